"""Words of the command line in the order in which reports show them."""

UNLEARNERS = ("rt", "ft", "rl", "au", "ng", "none")
BASELINES = ("head_sum", "head_change", "noise_prior", "label_only", "aux_confidence", "aux_margin")
"""Attacks that others are to beat; one that is not named here counts as an attack."""
ATTACKS = (
    *("param_dot", "param_diff", "param_confidence", "relearn"),
    *("inversion_gradient", "inversion_genetic", "inversion_shadow"),
    *("output_change", "output_change_zoo", "gradient_matching", "gradient_matching_exact"),
    *BASELINES,
)


def place(word: str, order: tuple[str, ...]) -> tuple[int, str]:
    """Sort key: known words in their order, others after them by name."""
    return (order.index(word) if word in order else len(order), word)
