from dataclasses import replace

from unlearnleak.training.optimization import Optimization
from unlearnleak.unlearner.undertrained import Undertrained


def test_a_share_of_the_epochs():
    how = Optimization(epochs=20, lr=0.1, batch_size=8)
    assert Undertrained(share=0.2).optimization(how) == replace(how, epochs=4)
    assert Undertrained(share=1e-6).optimization(how).epochs == 1
