import pytest
import torch
from torch import nn

from tests.jobs import pipeline_in
from tests.model import built
from unlearnleak.errors import UserError
from unlearnleak.model.vit import ViT


def build(channels, side, classes=10):
    return built.build(ViT, channels, side, side, classes)


@pytest.fixture(scope="module")
def colour():
    return build(3, 32)


def drawn(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("channels", "side"), [(1, 28), (3, 32), (2, 12)])
def test_shapes_and_parts(channels, side):
    model = build(channels, side, classes=7)
    x = drawn(2, channels, side, side)
    phi = model.features(x)
    assert phi.shape == (2, 192)
    assert phi.min() < 0 < phi.max()
    assert torch.equal(model.head(phi), model(x))
    assert model(x).shape == (2, 7)


def test_it_has_as_many_parameters_as_its_layers_say(colour):
    patches, places, norm = 192 * 48 + 192, (64 + 1) * 192 + 192, 2 * 192
    layer = 2 * norm + 4 * (192 * 192 + 192) + 2 * 4 * 192 * 192 + (4 + 1) * 192
    assert sum(p.numel() for p in colour.parameters()) == patches + places + 6 * layer + norm + 192 * 10 + 10


def attended(x_NTD, weights, name):
    """Attention of three heads, written out."""
    inner = x_NTD @ weights[f"{name}.in_proj_weight"].T + weights[f"{name}.in_proj_bias"]
    q, k, v = (part.unflatten(2, (3, 64)).transpose(1, 2) for part in inner.chunk(3, 2))
    mixed = (q @ k.transpose(2, 3) / 8).softmax(3) @ v
    return mixed.transpose(1, 2).flatten(2) @ weights[f"{name}.out_proj.weight"].T + weights[f"{name}.out_proj.bias"]


def test_it_agrees_with_the_layers_written_out(colour):
    weights, f = {name.removeprefix("body."): value for name, value in colour.state_dict().items()}, nn.functional

    def norm(x, name):
        return f.layer_norm(x, (192,), weights[f"{name}.weight"], weights[f"{name}.bias"], eps=1e-6)

    def linear(x, name):
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    x = drawn(2, 3, 32, 32)
    tokens = f.conv2d(x, weights["conv_proj.weight"], weights["conv_proj.bias"], stride=4).flatten(2).transpose(1, 2)
    y = torch.cat([weights["class_token"].expand(2, 1, 192), tokens], 1) + weights["encoder.pos_embedding"]
    for number in range(6):
        name = f"encoder.layers.encoder_layer_{number}"
        y = y + attended(norm(y, f"{name}.ln_1"), weights, f"{name}.self_attention")
        y = y + linear(f.gelu(linear(norm(y, f"{name}.ln_2"), f"{name}.mlp.0")), f"{name}.mlp.3")
    expected = linear(norm(y, "encoder.ln")[:, 0], "head")
    torch.testing.assert_close(colour(x), expected, rtol=1e-4, atol=1e-5)


def test_a_grey_stem_starts_as_wide_as_torchvision_s():
    assert build(1, 28).body.conv_proj.weight.std().item() == pytest.approx(1 / 4, rel=0.05)


def test_the_head_starts_with_differences_between_classes(colour):
    """torchvision's own begins with zeros, which attacks on an untrained head could not read."""
    assert colour.head.weight.std(0).min() > 0


def test_gradients_reach_every_pixel_of_the_input_and_can_be_differentiated_again(colour):
    x = drawn(4, 3, 32, 32).requires_grad_()
    (grad,) = torch.autograd.grad(colour(x)[:, 0].sum(), x, create_graph=True)
    assert (grad.abs().sum(0) > 0).all()
    (again,) = torch.autograd.grad(grad.square().sum(), x)
    assert again.isfinite().all()
    assert again.abs().max() > 0


@pytest.mark.parametrize(("height", "width"), [(32, 28), (30, 30)])
def test_images_that_do_not_divide_into_patches_are_refused_with_their_size(height, width):
    with pytest.raises(UserError, match=f"model=vit cannot take {height}x{width} images: they must be square"):
        ViT(image_shape=(3, height, width), num_classes=2, mean=(0.5,) * 3, std=(1.0,) * 3)


def test_too_small_images_are_refused_with_their_size():
    with pytest.raises(UserError, match="model=vit cannot take 8x8 images: sides of at least 12"):
        build(3, 8)


TRAINED = ("model=vit", "training.optimizer=adamw", "training.lr=0.001", "training.weight_decay=0.05")


@pytest.mark.parametrize("attack", ["param_dot", "inversion_gradient", "gradient_matching", "head_change"])
def test_attacks_read_it(tmp_path, attack):
    found = pipeline_in(tmp_path, *TRAINED, "unlearner=rl", f"attack={attack}").artifact("evidence")
    assert found.tensors
    assert all(tensor.isfinite().all() for tensor in found.tensors.values())


def test_adamw_learns_what_it_is_shown(tmp_path):
    original = pipeline_in(tmp_path, *TRAINED, "unlearner=rt", "training.epochs=12").artifact("original")
    losses = [row["train_loss"] for row in original.meta["curve"]]
    assert losses[-1] < 0.8 * losses[0]


def test_ledgers_of_it_are_refused_with_the_layer(tmp_path):
    with pytest.raises(UserError, match="unlearner=au cannot keep a ledger of a VisionTransformer layer"):
        pipeline_in(tmp_path, "model=vit", "unlearner=au").artifact("original")


def test_unsir_ends_on_it(tmp_path):
    """It makes noise, impairs and repairs: in few steps here, as its reference's many want a GPU."""
    few = ["unlearner.noise_images=8", "unlearner.noise_repeats=1", "unlearner.noise_steps=2"]
    unlearned = pipeline_in(tmp_path, *TRAINED, "unlearner=unsir", *few).artifact("unlearned")
    assert len(unlearned.meta["curve"]) == 2
    assert all(tensor.isfinite().all() for tensor in unlearned.tensors.values())
