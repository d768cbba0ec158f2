import pytest
from matplotlib.figure import Figure

from unlearnleak.figure.curves import curve_panel


class Kept:
    """A store whose models all have one curve."""

    def __init__(self, curve):
        self.curve = curve

    def meta(self, run, stage):
        return {"curve": self.curve}


@pytest.mark.parametrize(("every", "epochs"), [(1, [1, 2, 3, 4]), (2, [2, 4]), (4, [4])])
def test_epochs_without_a_test_are_left_out_of_its_line_alone(every, epochs):
    curve = [{"epoch": e, "train_acc": e / 4} | ({"test_acc": e / 5} if e % every == 0 else {}) for e in range(1, 5)]
    panel = curve_panel({"unlearner": "ng"}, Kept(curve), "unlearned")
    axis = Figure().add_subplot()
    panel.draw(axis)
    train, test = axis.lines
    assert list(train.get_xdata()) == [1, 2, 3, 4]
    assert list(test.get_xdata()) == epochs
    assert list(test.get_ydata()) == pytest.approx([20 * e for e in epochs])
    assert "test images 80.0 % after 4 epochs" in panel.text
