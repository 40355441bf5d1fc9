"""Writes reference.safetensors: two pretraining steps of a tiny I-JEPA in float64 PyTorch, for the tests of the kit's own.

Written from the paper and from torch's documentation alone, independently of lib/, so that an error would have to be made
twice. Needs torch, numpy and safetensors; the result is in the repository, so nobody has to run this to test:

    python tests/training/reference/make_reference.py
"""
import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

IMAGE, PATCH, WIDTH, DEPTH, HEADS, MLP_RATIO = 16, 4, 16, 2, 2, 2
PREDICTOR_WIDTH, PREDICTOR_DEPTH, PREDICTOR_HEADS = 8, 2, 2
BATCH, BLOCKS, CONTEXT, TARGET, STEPS = 4, 2, 6, 4, 2
GRID = IMAGE // PATCH
PATCHES = GRID * GRID

# The first case clips and is the published objective, the second does not clip and has all regularising terms.
CASES = [
    dict(
        clip=0.05, variance=0.0, covariance=0.0, invariance=0.0,
        learningRate=[1e-3, 2e-3], weightDecay=[0.04, 0.2], momentum=[0.9, 0.95],
    ),
    dict(
        clip=100.0, variance=1.5, covariance=0.25, invariance=0.75,
        learningRate=[1e-3, 5e-4], weightDecay=[0.1, 0.3], momentum=[0.5, 0.996],
    ),
]


def positions(width):
    """Two-dimensional sine-cosine positions as numpy code of the MAE family makes them: meshgrid, then one half each."""
    axis = np.arange(GRID, dtype=np.float64)
    first, second = np.meshgrid(axis, axis)  # numpy's default, "xy": the first output grows along the columns
    frequencies = 10000.0 ** -(np.arange(width // 4) / (width / 4))
    halves = []
    for coordinate in (first, second):
        angles = coordinate.reshape(-1, 1) * frequencies
        halves += [np.sin(angles), np.cos(angles)]
    return torch.from_numpy(np.concatenate(halves, axis=1)).unsqueeze(0)


def transformer_shapes(prefix, width, depth, ratio):
    shapes = {}
    for i in range(depth):
        shapes |= {
            f"{prefix}.{i}.norm1.weight": (width,), f"{prefix}.{i}.norm1.bias": (width,),
            f"{prefix}.{i}.attn.qkv.weight": (3 * width, width), f"{prefix}.{i}.attn.qkv.bias": (3 * width,),
            f"{prefix}.{i}.attn.proj.weight": (width, width), f"{prefix}.{i}.attn.proj.bias": (width,),
            f"{prefix}.{i}.norm2.weight": (width,), f"{prefix}.{i}.norm2.bias": (width,),
            f"{prefix}.{i}.mlp.fc1.weight": (ratio * width, width), f"{prefix}.{i}.mlp.fc1.bias": (ratio * width,),
            f"{prefix}.{i}.mlp.fc2.weight": (width, ratio * width), f"{prefix}.{i}.mlp.fc2.bias": (width,),
        }
    return shapes


ENCODER = {
    "patch_embed.proj.weight": (WIDTH, 3, PATCH, PATCH), "patch_embed.proj.bias": (WIDTH,),
    **transformer_shapes("blocks", WIDTH, DEPTH, MLP_RATIO),
    "norm.weight": (WIDTH,), "norm.bias": (WIDTH,),
}
PREDICTOR = {
    "predictor_embed.weight": (PREDICTOR_WIDTH, WIDTH), "predictor_embed.bias": (PREDICTOR_WIDTH,),
    "mask_token": (1, 1, PREDICTOR_WIDTH),
    **transformer_shapes("predictor_blocks", PREDICTOR_WIDTH, PREDICTOR_DEPTH, 4),
    "predictor_norm.weight": (PREDICTOR_WIDTH,), "predictor_norm.bias": (PREDICTOR_WIDTH,),
    "predictor_proj.weight": (WIDTH, PREDICTOR_WIDTH), "predictor_proj.bias": (WIDTH,),
}


def draw(shapes, generator):
    """Values far from a real initialisation, so that no bias, norm or token is without effect; float16 holds them exactly."""
    drawn = {}
    for name, shape in shapes.items():
        values = torch.randn(shape, generator=generator) * 0.3
        if "norm" in name and name.endswith("weight"):
            values += 1
        drawn[name] = values.half().double()
    return drawn


def block(p, name, x, heads):
    batch, tokens, width = x.shape
    h = F.layer_norm(x, (width,), p[f"{name}.norm1.weight"], p[f"{name}.norm1.bias"], eps=1e-6)
    q, k, v = F.linear(h, p[f"{name}.attn.qkv.weight"], p[f"{name}.attn.qkv.bias"]).chunk(3, dim=-1)
    q, k, v = (t.unflatten(-1, (heads, width // heads)).transpose(1, 2) for t in (q, k, v))
    h = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
    x = x + F.linear(h, p[f"{name}.attn.proj.weight"], p[f"{name}.attn.proj.bias"])
    h = F.layer_norm(x, (width,), p[f"{name}.norm2.weight"], p[f"{name}.norm2.bias"], eps=1e-6)
    h = F.gelu(F.linear(h, p[f"{name}.mlp.fc1.weight"], p[f"{name}.mlp.fc1.bias"]))
    return x + F.linear(h, p[f"{name}.mlp.fc2.weight"], p[f"{name}.mlp.fc2.bias"])


def take(x, places):
    """x [B, N, D] at places [B, K]."""
    return torch.stack([tokens[chosen] for tokens, chosen in zip(x, places)])


def embed_patches(p, pixels):
    mean, deviation = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]], dtype=torch.float64)
    images = ((pixels.double() / 255 - mean) / deviation).permute(0, 3, 1, 2)
    x = F.conv2d(images, p["patch_embed.proj.weight"], p["patch_embed.proj.bias"], stride=PATCH)
    return x.flatten(2).transpose(1, 2)


def encode(p, pixels, visible=None):
    x = embed_patches(p, pixels) + positions(WIDTH)
    if visible is not None:
        x = take(x, visible)
    for i in range(DEPTH):
        x = block(p, f"blocks.{i}", x, HEADS)
    return F.layer_norm(x, (WIDTH,), p["norm.weight"], p["norm.bias"], eps=1e-6)


def predict(p, representation, context, targets):
    place = positions(PREDICTOR_WIDTH).expand(BATCH, -1, -1)
    seen = F.linear(representation, p["predictor_embed.weight"], p["predictor_embed.bias"]) + take(place, context)
    predictions = []
    for target in targets:  # one run of the predictor for each block
        x = torch.cat([seen, p["mask_token"] + take(place, target)], dim=1)
        for i in range(PREDICTOR_DEPTH):
            x = block(p, f"predictor_blocks.{i}", x, PREDICTOR_HEADS)
        x = F.layer_norm(x, (PREDICTOR_WIDTH,), p["predictor_norm.weight"], p["predictor_norm.bias"], eps=1e-6)
        predictions.append(F.linear(x[:, CONTEXT:], p["predictor_proj.weight"], p["predictor_proj.bias"]))
    return torch.stack(predictions)


def regularisers(representation, context, everything):
    """VICReg's equations 1, 3 and 5: the first two of tokens less their position's mean, the last across an image's crops."""
    tokens, places = representation.flatten(0, 1), context.flatten()
    z = torch.stack([token - tokens[places == place].mean(dim=0) for token, place in zip(tokens, places)])
    variance = F.relu(1 - torch.sqrt(z.pow(2).mean(dim=0) + 1e-4)).mean()
    covariances = z.T @ z / len(z)
    covariance = covariances.fill_diagonal_(0).pow(2).sum() / z.shape[1]
    half = BATCH // 2
    invariance = F.mse_loss(representation.mean(dim=1), everything.mean(dim=1).roll(half, dims=0))
    return variance, covariance, invariance


def run(case, context_encoder, predictor, target_encoder, inputs):
    """Two steps; returns what each reported, the networks after them and their gradients' and moments' norms."""
    nets = {"contextEncoder": context_encoder, "predictor": predictor, "targetEncoder": target_encoder}
    nets = {net: {name: value.clone() for name, value in p.items()} for net, p in nets.items()}
    trained = {
        (net, name): value.requires_grad_() for net in ("contextEncoder", "predictor") for name, value in nets[net].items()
    }
    is_decayed = lambda name: "bias" not in name and "norm" not in name
    decays = [v for (_, name), v in trained.items() if is_decayed(name)]
    others = [v for (_, name), v in trained.items() if not is_decayed(name)]
    optimiser = torch.optim.AdamW([dict(params=decays), dict(params=others, weight_decay=0.0)])
    reports = []
    for step in range(STEPS):
        pixels, context, targets = (inputs[key][step].long() for key in ("pixels", "context", "targets"))
        with torch.no_grad():
            everything = F.layer_norm(encode(nets["targetEncoder"], pixels), (WIDTH,))
            wanted = torch.stack([take(everything, target) for target in targets])
        representation = encode(nets["contextEncoder"], pixels, context)
        predicted = predict(nets["predictor"], representation, context, targets)
        prediction = F.smooth_l1_loss(predicted, wanted)
        shared = torch.stack([everything.mean(dim=0)[target] for target in targets])
        terms = regularisers(representation, context, everything)
        loss = prediction + sum(case[key] * term for key, term in zip(("variance", "covariance", "invariance"), terms))
        optimiser.zero_grad()
        loss.backward()
        gradients = {f"{net}.{name}": value.grad.norm().item() for (net, name), value in trained.items()}
        norm = torch.nn.utils.clip_grad_norm_(trained.values(), case["clip"])
        for group in optimiser.param_groups:
            group["lr"] = case["learningRate"][step]
        optimiser.param_groups[0]["weight_decay"] = case["weightDecay"][step]
        optimiser.step()
        with torch.no_grad():
            for name, value in nets["targetEncoder"].items():
                value.lerp_(nets["contextEncoder"][name], 1 - case["momentum"][step])
        reports.append(dict(
            loss=loss.item(), prediction=prediction.item(), gradientNorm=norm.item(), gradients=gradients,
            featureStd=everything.mean(dim=1).std(dim=0, unbiased=False).mean().item(),
            cosine=F.cosine_similarity(predicted, wanted, dim=-1).mean().item(),
            centredCosine=F.cosine_similarity(predicted - shared, wanted - shared, dim=-1).mean().item(),
        ))
    moments = {
        f"{net}.{name}": [optimiser.state[value][key].norm().item() for key in ("exp_avg", "exp_avg_sq")]
        for (net, name), value in trained.items()
    }
    return reports, moments, nets


def main():
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(2301)
    context_encoder, predictor, target_encoder = (draw(s, generator) for s in (ENCODER, PREDICTOR, ENCODER))

    def subsets(count, *leading):
        drawn = torch.rand(*leading, PATCHES, generator=generator).argsort(dim=-1)[..., :count]
        return drawn.sort(dim=-1).values.int()

    inputs = {
        "pixels": torch.randint(0, 256, (STEPS, BATCH, IMAGE, IMAGE, 3), generator=generator, dtype=torch.uint8),
        "context": subsets(CONTEXT, STEPS, BATCH),
        "targets": subsets(TARGET, STEPS, BLOCKS, BATCH),
    }
    tensors = dict(inputs)
    for net, p in dict(contextEncoder=context_encoder, predictor=predictor, targetEncoder=target_encoder).items():
        for name, value in p.items():
            tensors[f"{net}.{name}"] = value.half()
        prefix, width = ("predictor_", PREDICTOR_WIDTH) if net == "predictor" else ("", WIDTH)
        tensors[f"{net}.{prefix}pos_embed"] = positions(width).float()

    pixels, context, targets = (inputs[key][0].long() for key in ("pixels", "context", "targets"))
    representation = encode(context_encoder, pixels, context)
    tensors |= {
        "embedded": embed_patches(context_encoder, pixels).float(),
        "representation": representation.float(),
        "predictions": predict(predictor, representation, context, targets).float(),
    }
    cases = []
    for i, case in enumerate(CASES):
        reports, moments, nets = run(case, context_encoder, predictor, target_encoder, inputs)
        cases.append({**case, "reports": reports, "moments": moments})
        for net, p in nets.items():
            for name, value in p.items():
                tensors[f"after.{i}.{net}.{name}"] = value.detach().float()

    def rounded(value):
        if isinstance(value, dict):
            return {key: rounded(item) for key, item in value.items()}
        return [rounded(item) for item in value] if isinstance(value, list) else float(f"{value:.8g}")

    path = pathlib.Path(__file__).with_name("reference.safetensors")
    text = json.dumps(rounded(cases), separators=(",", ":"))
    save_file({name: value.contiguous() for name, value in tensors.items()}, path, {"cases": text})
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")
    for case in cases:
        print([{key: value for key, value in report.items() if key != "gradients"} for report in case["reports"]])


if __name__ == "__main__":
    main()
