import copy

import pytest
import torch
from torch import nn

from unlearnleak.adversary import access
from unlearnleak.adversary.access import QUERY_BATCH, BlackBox, LabelOnly, Queried, WhiteBox
from unlearnleak.errors import AccessDenied, UserError
from unlearnleak.machine.graphs import say_once
from unlearnleak.model.base.answers import undefended


@pytest.fixture
def model(fresh_lenet):
    return fresh_lenet()


@pytest.fixture
def images():
    return torch.rand(7, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def test_the_black_box_answers_with_the_models_probabilities(model, images):
    answer = BlackBox(model).probabilities(images)
    expected = model((images - model.mean) / model.std).softmax(1)
    torch.testing.assert_close(answer, expected)
    torch.testing.assert_close(answer.sum(1), torch.ones(7))
    assert not answer.requires_grad
    assert answer.grad_fn is None


def test_the_black_box_counts_each_image(model, images):
    box = BlackBox(model)
    box.probabilities(images)
    box.probabilities(images[:2])
    assert box.queries == 9
    box.probabilities(images[:1].expand(QUERY_BATCH + 5, -1, -1, -1))
    assert box.queries == 9 + QUERY_BATCH + 5


def test_a_query_larger_than_a_batch_is_answered_in_order(model, images):
    many = torch.zeros(QUERY_BATCH + 7, 1, 28, 28)
    many[-7:] = images
    answer = BlackBox(model).probabilities(many)
    assert len(answer) == len(many)
    torch.testing.assert_close(answer[-7:], BlackBox(model).probabilities(images))


def test_the_black_box_gives_no_gradient_and_such_a_query_is_not_counted(model, images):
    box = BlackBox(model)
    with pytest.raises(AccessDenied, match="no gradients"):
        box.probabilities(images.requires_grad_())
    assert box.queries == 0


HIDDEN = ("_model", "model", "head", "features", "logits", "parameters", "__dict__")


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind in (BlackBox, LabelOnly) for name in HIDDEN] + [(LabelOnly, "probabilities")],
)
def test_who_may_only_ask_is_granted_nothing_else(model, kind, name):
    with pytest.raises(AccessDenied, match=f"{kind.name} does not grant '{name}': it answers `{kind.answers}"):
        getattr(kind(model), name)


@pytest.mark.parametrize("kind", [BlackBox, LabelOnly])
def test_who_may_only_ask_holds_no_module_in_any_attribute(model, kind):
    box = kind(model)
    assert kind.__slots__ == ()
    held = [getattr(box, name) for name in Queried.__slots__]
    assert len(held) == 6
    assert not any(isinstance(value, nn.Module) for value in held)


def test_label_only_access_names_the_likeliest_class_and_counts(model, images):
    box = LabelOnly(model)
    labels_N = box.labels(images)
    assert labels_N.dtype == torch.int64
    assert torch.equal(labels_N, model((images - model.mean) / model.std).argmax(1))
    box.labels(images[:2])
    assert box.queries == 9
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        box.labels(images + 1)
    with pytest.raises(AccessDenied, match="label-only access gives no gradients"):
        box.labels(images.clone().requires_grad_())
    assert box.queries == 9


def test_a_model_without_a_linear_last_layer_shows_no_head(model):
    model.head = None
    with pytest.raises(UserError, match="gives no head: no linear layer of it is known"):
        WhiteBox(model).head()


@pytest.mark.parametrize("pixel", [-0.01, 1.01, float("nan"), float("inf")])
def test_a_query_outside_the_box_is_refused_and_not_counted(model, images, pixel):
    box = BlackBox(model)
    images[3, 0, 5, 5] = pixel
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        box.probabilities(images)
    assert box.queries == 0


def test_where_nobody_waits_for_the_device_a_query_outside_the_box_is_told_with_the_count(model, images, monkeypatch):
    monkeypatch.setattr(access, "runs_behind", lambda device: True)
    box = BlackBox(model)
    box.probabilities(images)
    assert box.queries == 7
    box.probabilities(images + 1)
    box.probabilities(images)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        _ = box.queries


@pytest.mark.parametrize("kind", [BlackBox, LabelOnly])
def test_steps_behind_answers_that_may_be_drawn_are_not_captured(model, images, monkeypatch, kind):
    monkeypatch.setattr(access, "repeated", lambda *_, **__: "captured")

    def step():
        return None

    assert kind(model, lambda *_: torch.zeros(1, 10)).repeated(step, list, "a step", times=99) is step
    if kind is BlackBox:
        assert BlackBox(model).repeated(step, list, "a step", times=99) == "captured"


@pytest.mark.parametrize(
    ("device", "answering", "lines"),
    [("cuda:0", "drawn", 1), ("cpu", "drawn", 0), ("cuda:0", "plain", 0)],
    ids=["on a GPU", "on a CPU", "undefended"],
)
def test_on_a_gpu_one_line_says_that_answers_are_defended(model, monkeypatch, caplog, device, answering, lines):
    monkeypatch.setattr(access, "repeated", lambda step, *_, **__: step)
    say_once.cache_clear()
    caplog.set_level("INFO")
    for _ in range(2):
        box = BlackBox(model, (lambda *_: torch.zeros(1, 10)) if answering == "drawn" else undefended)
        box.device = torch.device(device)
        box.repeated(list, list, "a generation", times=99)
    assert len(caplog.messages) == lines
    assert all(told.startswith("a generation is launched kernel by kernel: ") for told in caplog.messages)
    assert all("(a defence, or" in told for told in caplog.messages)


def test_byte_images_are_refused_since_a_byte_of_1_would_pass_for_white(model):
    with pytest.raises(ValueError, match="float"):
        BlackBox(model).probabilities(torch.ones(1, 1, 28, 28, dtype=torch.uint8))


def test_the_white_boxes_head_is_a_copy(model):
    box = WhiteBox(model)
    before = copy.deepcopy(model.head.state_dict())
    weight_KD, bias_K = box.head()
    torch.testing.assert_close(weight_KD, before["weight"], rtol=0, atol=0)
    torch.testing.assert_close(bias_K, before["bias"], rtol=0, atol=0)
    weight_KD.zero_()
    bias_K.add_(1)
    for name, value in model.head.state_dict().items():
        assert torch.equal(value, before[name])
    assert torch.equal(box.head()[0], before["weight"])


def test_white_box_gradients_reach_the_input_and_no_parameter(model, images):
    box = WhiteBox(model)
    x = box.normalize(images).requires_grad_()
    box.logits(x)[:, 2].sum().backward()
    assert x.grad is not None
    assert (x.grad.flatten(1).norm(dim=1) > 0).all()
    assert all(p.grad is None for p in model.parameters())
    assert all(p.grad is None and not p.requires_grad for p in box._model.parameters())


def test_the_white_boxes_gradient_is_the_slope_of_its_logits(fresh_lenet, images):
    box = WhiteBox(fresh_lenet().double())
    x = box.normalize(images[:1].double()).requires_grad_()
    along = torch.randn(x.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    box.logits(x)[0, 4].backward()
    step = 1e-6
    slope = (box.logits(x + step * along)[0, 4] - box.logits(x - step * along)[0, 4]) / (2 * step)
    assert (x.grad * along).sum().item() == pytest.approx(slope.item(), rel=1e-5)


def test_white_box_features_times_head_are_its_logits(model, images):
    box = WhiteBox(model.train())  # a target is judged as it is shipped: in evaluation mode
    weight_KD, bias_K = box.head()
    x = box.normalize(images)
    torch.testing.assert_close(box.features(x) @ weight_KD.T + bias_K, box.logits(x))
    assert not box._model.training


def test_byte_and_float_images_normalise_alike(model, images):
    bytes_ = (images * 255).round().byte()
    box = WhiteBox(model)
    torch.testing.assert_close(box.normalize(bytes_), box.normalize(bytes_.float() / 255))


@pytest.mark.parametrize("access", [WhiteBox, BlackBox, LabelOnly])
def test_the_model_itself_is_left_as_it_was(fresh_lenet, access):
    model = fresh_lenet().train()
    access(model)
    assert model.training
    assert all(parameter.requires_grad for parameter in model.parameters())
