"""Access to a model: what an attack is handed is all that it can reach.

A white box shows everything, a black box answers with probabilities, a label-only access with a class. Which of them an
attack gets is its threat model's word (`adversary/threat.py`).
"""

import copy
from typing import TYPE_CHECKING, ClassVar, NoReturn, TypeAlias

import torch
from torch import Tensor
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

from unlearnleak.errors import AccessDenied
from unlearnleak.machine.device import runs_behind
from unlearnleak.machine.graphs import State, Step, graphs_allowed, repeated, say_once
from unlearnleak.model.base import Classifier
from unlearnleak.model.base.answers import Answering, undefended

Model: TypeAlias = Classifier
"""What access is given to."""
Gradients: TypeAlias = dict[str, Tensor]
"""One tensor a parameter, by the parameter's name."""
QUERY_BATCH = 2048
ANSWERS_MADE = "something stands before the model's answers (a defence, or what an attacker sees of them) and may draw"
OUTSIDE = "A query's pixels must lie in [0, 1]."


def frozen(model: Model) -> Model:
    """A copy of the model in evaluation mode without gradients: what an attack does to it stays its own affair."""
    return copy.deepcopy(model).eval().requires_grad_(False)


class WhiteBox:
    """Architecture and parameters are known: features, head, logits, and gradients with respect to the input.

    The target is frozen: gradients with respect to its parameters are given as values, and change none of them.

    Attributes:
        known_as: what determines the model, weights and all, for those who attack it again; None where nobody says.
    """

    def __init__(self, model: Model) -> None:
        self._model = frozen(model)
        self.known_as: str | None = None
        self.num_classes: int = model.num_classes
        self.image_shape: tuple[int, int, int] = model.image_shape
        self.device: torch.device = device_of(model)

    def head(self) -> tuple[Tensor, Tensor]:
        """Copies of the last layer's weight [K, D] and bias [K], 0 where it has none.

        Raises:
            UserError: the model does not end in a linear layer.
        """
        head = self._model.linear_head()
        bias_K = head.weight.new_zeros(len(head.weight)) if head.bias is None else head.bias
        return head.weight.detach().clone(), bias_K.detach().clone()

    def normalize(self, images_NCHW: Tensor) -> Tensor:
        """uint8 images, or float images in [0, 1], to the target's normalised input."""
        return self._model.normalize(images_NCHW)

    def features(self, x_NCHW: Tensor) -> Tensor:
        """phi(x) [N, D] of normalised input; differentiable with respect to it."""
        return self._model.features(x_NCHW)

    def logits(self, x_NCHW: Tensor) -> Tensor:
        """f(x) [N, K] before the softmax; differentiable with respect to the normalised input."""
        logits: Tensor = self._model(x_NCHW)
        return logits

    def parameters(self) -> Gradients:
        """Copies of all parameters by name; buffers, such as a batch normalisation's statistics, are none."""
        return {name: value.detach().clone() for name, value in self._model.named_parameters()}

    def loss_gradients(self, x_RNCHW: Tensor, labels_RN: Tensor) -> Gradients:
        """Gradients [R, ...] with respect to each parameter of the mean cross-entropy of R batches of N images.

        Of normalised input, which they are differentiable with respect to; all batches in one pass.
        """
        buffers = dict(self._model.named_buffers())
        weights = {name: value.detach() for name, value in self._model.named_parameters()}

        def loss(parameters: Gradients, x_NCHW: Tensor, labels_N: Tensor) -> Tensor:
            return F.cross_entropy(functional_call(self._model, (parameters, buffers), (x_NCHW,)), labels_N)

        found: Gradients = vmap(grad(loss), in_dims=(None, 0, 0))(weights, x_RNCHW, labels_RN)
        return found


def device_of(model: Model) -> torch.device:
    """Where the model is: its normalisation, since somebody else's may have no parameters."""
    return model.mean.device


class Queried:
    """A model that can only be asked: images in, answers out, each image counted as one query.

    The model is kept where attribute access does not lead to it. That is a fence against mistakes, such as an attack
    that uses gradients while it claims not to; it is no wall against code that means to climb it.
    """

    name: ClassVar[str]
    answers: ClassVar[str]
    """The method that asks."""
    __slots__ = ("_ask", "_drawn", "_tally", "device", "image_shape", "num_classes")

    def __init__(self, model: Model, answering: Answering) -> None:
        model = frozen(model)

        @torch.no_grad()
        def ask(images_NCHW: Tensor) -> Tensor:
            parts = images_NCHW.split(QUERY_BATCH)
            return torch.cat([answering(model, model.normalize(part)) for part in parts])

        self._ask = ask
        self._drawn = answering is not undefended  # for all that is known here
        self.num_classes: int = model.num_classes
        self.image_shape: tuple[int, int, int] = model.image_shape
        self.device: torch.device = device_of(model)
        self._tally = torch.zeros(2, dtype=torch.int64, device=self.device)  # images asked about; queries outside

    @property
    def queries(self) -> int:
        """How many images the model was asked about. On a GPU they are counted there: this waits for it.

        Raises:
            ValueError: some query's pixels were outside [0, 1], of which a GPU tells only now.
        """
        asked, outside = self._tally.tolist()
        if outside:
            raise ValueError(OUTSIDE)
        return int(asked)

    def repeated(self, step: Step, state: State, what: str, *, times: int) -> Step:
        """A step that asks this model, as something to call again and again (`graphs.repeated`); all is counted.

        Behind a defence that may draw for its answers, on the CPU, it is the step itself; on a GPU the log says so.
        """
        if self._drawn:
            if self.device.type == "cuda" and graphs_allowed():
                say_once(what, ANSWERS_MADE)
            return step
        return repeated(step, lambda: [*state(), self._tally], self.device, what, times=times)

    def _answer(self, images_NCHW: Tensor) -> Tensor:
        """What the model says of float images in [0, 1], one row each; refused images are not counted.

        On a GPU nobody waits to refuse them: whoever reads `queries` is told.
        """
        if images_NCHW.requires_grad:
            raise AccessDenied(f"The {self.name} gives no gradients: query it with images that do not require them.")
        if not images_NCHW.is_floating_point():  # a byte of 1 would pass the check below, and mean 1/255
            raise ValueError(f"A query's images are float in [0, 1], not {images_NCHW.dtype}.")
        if images_NCHW.numel():
            outside = ~((images_NCHW.min() >= 0) & (images_NCHW.max() <= 1))  # also what is no number
            if runs_behind(self.device):
                self._tally[1].add_(outside)
            elif outside:
                raise ValueError(OUTSIDE)
        self._tally[0].add_(len(images_NCHW))
        return self._ask(images_NCHW)

    if not TYPE_CHECKING:  # or a type checker would believe that every name is granted

        def __getattr__(self, name: str) -> NoReturn:
            raise AccessDenied(
                f"The {self.name} does not grant {name!r}: it answers `{self.answers}(images)` and nothing else of "
                "the model."
            )


class BlackBox(Queried):
    """Only the query interface: images in, probabilities out.

    Args:
        model: who is asked.
        answering: what is answered, where a defence stands before the model.
    """

    name = "black box"
    answers = "probabilities"
    __slots__ = ()

    def __init__(self, model: Model, answering: Answering = undefended) -> None:
        super().__init__(model, answering)

    def probabilities(self, images_NCHW: Tensor) -> Tensor:
        """softmax f(x) [N, K] of float images in [0, 1], or what a defence makes of it.

        Raises:
            AccessDenied: the images require a gradient, which a black box does not give.
            ValueError: images that are not float, or outside the valid box [0, 1]. Neither is counted.
        """
        return self._answer(images_NCHW)


class LabelOnly(Queried):
    """Only the query interface, and only its decisions: images in, the likeliest class out. Args as BlackBox."""

    name = "label-only access"
    answers = "labels"
    __slots__ = ()

    def __init__(self, model: Model, answering: Answering = undefended) -> None:
        super().__init__(model, lambda model, x_NCHW: answering(model, x_NCHW).argmax(1))

    def labels(self, images_NCHW: Tensor) -> Tensor:
        """argmax f(x) [N] (int64) of float images in [0, 1].

        Raises:
            AccessDenied: the images require a gradient, which labels do not have.
            ValueError: images that are not float, or outside the valid box [0, 1]. Neither is counted.
        """
        return self._answer(images_NCHW)


AnyAccess: TypeAlias = WhiteBox | BlackBox | LabelOnly
