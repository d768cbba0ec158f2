"""The audit of a model that somebody else made: what does *my* unlearned model leak?

    result = unlearnleak.audit(model, images, labels)
    result.status                       # "silent", "leak" or "not judged"

`audit` is the whole audit, read it first: it understands the model, runs every attack whose threat model can be met
(`running`), measures each on copies of this very model that forgot nothing (`copies`), and draws the answer (`answer`).
`result` says what an answer holds, `showing` turns it into a terminal's lines, a page, a PDF and JSON.
"""
