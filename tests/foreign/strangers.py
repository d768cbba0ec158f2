"""Three networks of a stranger, who knows nothing of this project, and his ways to save them."""

import torch
from safetensors.torch import save_file
from torch import nn


class NormNet(nn.Module):
    """Convolutions, LayerNorm and dropout; 12-pixel colour images."""

    def __init__(self, num_classes=5, width=8):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, stride=2, padding=1)
        self.norm = nn.LayerNorm([width, 6, 6])
        self.drop = nn.Dropout(0.4)
        self.out = nn.Linear(width * 36, num_classes)

    def forward(self, x):
        return self.out(self.drop(self.norm(self.stem(x)).relu().flatten(1)))

    def phi(self, x):
        return self.drop(self.norm(self.stem(x)).relu().flatten(1))


class Block(nn.Module):
    """A layer of a transformer."""

    def __init__(self, dim):
        super().__init__()
        self.first, self.second = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Dropout(0.1), nn.Linear(2 * dim, dim))

    def forward(self, x):
        q, k, v = self.qkv(self.first(x)).unflatten(2, (3, 2, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        attended = nn.functional.scaled_dot_product_attention(q, k, v)
        x = x + self.proj(attended.transpose(1, 2).flatten(2))
        return x + self.mlp(self.second(x))


class SmallViT(nn.Module):
    """A vision transformer of two layers, with a class token and positions; 16-pixel grey images."""

    def __init__(self, num_classes=7, dim=16):
        super().__init__()
        self.patches = nn.Conv2d(1, dim, 4, stride=4)
        self.token = nn.Parameter(torch.randn(1, 1, dim))
        self.positions = nn.Parameter(torch.randn(1, 17, dim))
        self.blocks = nn.Sequential(Block(dim), Block(dim))
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, num_classes)

    def phi(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.positions
        return self.norm(self.blocks(x))[:, 0]

    def forward(self, x):
        return self.head(self.phi(x))


class HeadFirst(nn.Module):
    """Its head is the first of its layers, others come after it, and another linear layer is its last attribute."""

    def __init__(self, num_classes=4):
        super().__init__()
        self.classify = nn.Linear(20, num_classes)
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
        self.squeeze = nn.Linear(4 * 64, 20)

    def phi(self, x):
        return self.squeeze(self.body(x)).tanh()

    def forward(self, x):
        return self.classify(self.phi(x)).log_softmax(1)


NETS = {
    "norm": (NormNet, (3, 12, 12), "out"),
    "vit": (SmallViT, (1, 16, 16), "head"),
    "first": (HeadFirst, (1, 10, 10), "classify"),
}
"""Name: the class, the shape of its images, the name of its head."""


def made(name, seed=0, **arguments):
    """One of them in evaluation mode, its statistics not those of a new layer."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = NETS[name][0](**arguments)
        net(torch.randn(8, *NETS[name][1]))
    return net.eval()


def images(name, count=5):
    return torch.randn(count, *NETS[name][1], generator=torch.Generator().manual_seed(1))


def exported(net, example, path, **dynamic):
    torch.export.save(torch.export.export(net, (example,), **dynamic), path)
    return path


def any_batch():
    return {"dynamic_shapes": ({0: torch.export.Dim("batch")},)}


def scripted(net, path):
    torch.jit.save(torch.jit.script(net), path)
    return path


def lightning(net, path, prefix="model."):
    """As Lightning's ModelCheckpoint writes it, with the optimiser's state and the criterion's weights."""
    state = {f"{prefix}{name}": value for name, value in net.state_dict().items()}
    checkpoint = {"epoch": 3, "global_step": 9, "pytorch-lightning_version": "2.5.0", "state_dict": state}
    torch.save(checkpoint | {"loops": {}, "optimizer_states": [{"state": {}}], "lr_schedulers": []}, path)
    return path


WEIGHTS = {
    "safetensors": lambda net, path: save_file(net.state_dict(), path),
    "torch.save": lambda net, path: torch.save(net.state_dict(), path),
    "legacy": lambda net, path: torch.save(net.state_dict(), path, _use_new_zipfile_serialization=False),
    "entry": lambda net, path: torch.save({"model_state_dict": net.state_dict(), "epoch": 3, "loss": 0.5}, path),
    "parallel": lambda net, path: torch.save({f"module.{k}": v for k, v in net.state_dict().items()}, path),
    "compiled": lambda net, path: save_file({f"_orig_mod.{k}": v for k, v in net.state_dict().items()}, path),
    "lightning": lightning,
    "lightning, another name": lambda net, path: lightning(net, path, "net.inner."),
}
"""Ways to save weights."""
