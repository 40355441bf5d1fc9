"""The recipe's networks in plain PyTorch, with its fused attention, for step.py."""
import torch
import torch.nn.functional as F
from torch import nn


def positions(width, grid):
    """Sine-cosine positions in two dimensions, [grid^2, width]."""
    rates = 1 / 10000 ** (torch.arange(width // 4) / (width // 4))
    angles = torch.arange(grid)[:, None] * rates  # [grid, width / 4]
    waves = torch.cat([angles.sin(), angles.cos()], dim=1)  # [grid, width / 2]
    columns, rows = waves.repeat(grid, 1), waves.repeat_interleave(grid, dim=0)
    return torch.cat([columns, rows], dim=1)


def rows_of(x, indices):
    """x [B, N, D] at indices [B, K]: [B, K, D]."""
    return x.gather(1, indices[..., None].expand(-1, -1, x.size(-1)))


def attention(q, k, v):
    """[B, H, N, d] each, to the same."""
    return F.scaled_dot_product_attention(q, k, v)


class Block(nn.Module):
    def __init__(self, width, heads, mlp_ratio, attention):
        super().__init__()
        self.heads, self.attention = heads, attention
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc1, self.fc2 = nn.Linear(width, mlp_ratio * width), nn.Linear(mlp_ratio * width, width)

    def forward(self, x):
        B, N, D = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(B, N, 3, self.heads, D // self.heads).permute(2, 0, 3, 1, 4)
        x = x + self.proj(self.attention(q, k, v).transpose(1, 2).reshape(B, N, D))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class Encoder(nn.Module):
    attention = staticmethod(attention)

    def __init__(self, size):
        super().__init__()
        width, patch = size["width"], size["patch"]
        self.embed = nn.Conv2d(3, width, patch, stride=patch)
        self.register_buffer("positions", positions(width, size["image"] // patch))
        self.blocks = nn.ModuleList(
            Block(width, size["heads"], size["mlpRatio"], self.attention) for _ in range(size["depth"]))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, images, keep=None):
        x = self.embed(images).flatten(2).transpose(1, 2) + self.positions
        if keep is not None:
            x = rows_of(x, keep)
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


class Predictor(nn.Module):
    attention = staticmethod(attention)

    def __init__(self, size):
        super().__init__()
        own = size["predictor"]
        width = own["width"]
        self.embed, self.out = nn.Linear(size["width"], width), nn.Linear(width, size["width"])
        self.register_buffer("positions", positions(width, size["image"] // size["patch"]))
        self.mask_token = nn.Parameter(torch.zeros(1, 1, width))
        self.blocks = nn.ModuleList(Block(width, own["heads"], 4, self.attention) for _ in range(own["depth"]))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, tokens, context, targets):
        x = self.embed(tokens) + self.positions[context]
        masked = self.mask_token + self.positions[torch.cat(targets)]
        x = torch.cat([x.repeat(len(targets), 1, 1), masked], dim=1)  # [M * B, C + T, P]
        for block in self.blocks:
            x = block(x)
        return self.out(self.norm(x[:, tokens.size(1):]))
