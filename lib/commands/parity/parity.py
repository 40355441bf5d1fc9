"""The other side of `deno task parity`: encoders in the formats that people have, and what PyTorch computes with them.

    parity.py make FOLDER        a set of sizes and formats, with the expected outputs, listed in FOLDER/cases.json
    parity.py fixtures FOLDER    the same, few and small, for the ordinary tests
    parity.py check FOLDER       loads each folder in FOLDER/saved with transformers, and prints how far its output is from
                                 the one that the kit computed, as lines of JSON

The networks of the .pth.tar are written out here, after the paper and the authors' names, to be independent of the kit's.
"""
import json
import pathlib
import sys
import warnings
from collections import OrderedDict

import torch
import torch.nn.functional as F

warnings.simplefilter("ignore")
try:
    import torchvision
except RuntimeError:
    # timm and transformers import torchvision, whose operators are not there where it was built for another torch.
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
    import torchvision  # noqa: F401
from safetensors.torch import load_file, save_file
from transformers import AutoImageProcessor, IJepaConfig, IJepaForImageClassification, IJepaModel
from transformers.utils import logging

logging.set_verbosity_error()
logging.disable_progress_bar()

MEAN, DEVIATION = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])

# image, patch, width, depth, heads, hidden units of the MLP, epsilon; then what else is tried with it
FULL = [
    (32, 4, 64, 2, 2, 256, 1e-12, dict(interpolated=[24, 48])),
    (32, 4, 64, 3, 4, 256, 1e-6, dict(dtype=torch.float16)),
    (32, 4, 64, 3, 4, 256, 1e-6, dict(dtype=torch.bfloat16, classifier=True)),
    (32, 8, 48, 4, 3, 100, 1e-3, dict(qkv_bias=False, shard=50_000)),
    (64, 16, 176, 4, 2, 768, 1e-5, dict(interpolated=[32, 256])),
    (56, 14, 128, 6, 8, 384, 1e-6, dict(interpolated=[112])),
    (96, 16, 192, 12, 3, 768, 1e-12, {}),
    (224, 16, 384, 12, 6, 1536, 1e-6, dict(interpolated=[288])),
    (32, 8, 64, 3, 4, 256, 1e-6, dict(renamed=True)),
    (48, 16, 96, 2, 3, 200, 1e-12, dict(renamed=True, classifier=True, qkv_bias=False, interpolated=[64])),
]
FIXTURES = [
    (12, 4, 16, 2, 2, 32, 1e-3, dict(shard=12_000, interpolated=[8, 20])),
    (12, 4, 16, 1, 2, 40, 1e-6, dict(dtype=torch.bfloat16, classifier=True, qkv_bias=False)),
]
LAST_FIXTURES = [(8, 4, 8, 2, 2, 20, 1e-6, dict(renamed=True))]


def draw(module, generator):
    """Weights at random, biases and norms too, of a size at which every one of them matters."""
    with torch.no_grad():
        for name, value in module.named_parameters() if isinstance(module, torch.nn.Module) else module.items():
            noise = torch.randn(value.shape, generator=generator)
            if "norm" in name and name.endswith("weight"):
                value.copy_(1 + 0.2 * noise)
            elif value.ndim > 1 and "pos" not in name and "token" not in name:
                value.copy_(noise / value[0].numel() ** 0.5)
            else:
                value.copy_(0.3 * noise)


def draw_pixels(image, batch, generator):
    return torch.randint(0, 256, (batch, image, image, 3), generator=generator, dtype=torch.uint8)


def standardise(pixels):
    """uint8 [B, H, W, 3] to [B, 3, H, W]."""
    return ((pixels / 255 - MEAN) / DEVIATION).permute(0, 3, 1, 2)


def hugging_face(folder, sizes, generator, batch):
    image, patch, width, depth, heads, hidden, epsilon, extra = sizes
    config = IJepaConfig(
        image_size=image, patch_size=patch, hidden_size=width, num_hidden_layers=depth, num_attention_heads=heads,
        intermediate_size=hidden, layer_norm_eps=epsilon, qkv_bias=extra.get("qkv_bias", True),
    )
    whole = (IJepaForImageClassification if extra.get("classifier") else IJepaModel)(config).eval()
    draw(whole, generator)
    dtype = extra.get("dtype", torch.float32)
    name = f"{image}px-p{patch}-w{width}-d{depth}-h{heads}-{str(dtype).removeprefix('torch.')}"
    whole.to(dtype)
    if extra.get("renamed"):
        # What transformers calls the tensors in memory, which save_pretrained() turns back to the older names.
        name += "-renamed"
        state = whole.state_dict()
        assert any(key.endswith("layers.0.attention.q_proj.weight") and "encoder" not in key for key in state)
        config.save_pretrained(folder / name)
        save_file(state, folder / name / "model.safetensors", {"format": "pt"})
    else:
        options = dict(max_shard_size=extra["shard"]) if "shard" in extra else {}
        whole.save_pretrained(folder / name, **options)
    model = (whole.ijepa if extra.get("classifier") else whole).float()
    expected = {}
    with torch.no_grad():
        for side in [image, *extra.get("interpolated", [])]:
            pixels = draw_pixels(side, batch, generator)
            out = model(standardise(pixels), interpolate_pos_encoding=side != image)
            expected |= {f"pixels.{side}": pixels, f"hidden.{side}": out.last_hidden_state.contiguous()}
    save_file(expected, folder / f"{name}.expected")
    return dict(name=name, path=name, kind="transformers")


def block(p, name, x, heads):
    def linear(layer, x):
        return F.linear(x, p[f"{name}.{layer}.weight"], p[f"{name}.{layer}.bias"])

    def norm(layer, x):
        return F.layer_norm(x, x.shape[-1:], p[f"{name}.{layer}.weight"], p[f"{name}.{layer}.bias"], eps=1e-6)

    q, k, v = linear("attn.qkv", norm("norm1", x)).unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    x = x + linear("attn.proj", (scores.softmax(-1) @ v).transpose(1, 2).flatten(2))
    return x + linear("mlp.fc2", F.gelu(linear("mlp.fc1", norm("norm2", x))))


def block_shapes(prefix, width, depth, hidden):
    for i in range(depth):
        for layer, rows, columns in [
            ("norm1", width, None), ("attn.qkv", 3 * width, width), ("attn.proj", width, width),
            ("norm2", width, None), ("mlp.fc1", hidden, width), ("mlp.fc2", width, hidden),
        ]:
            yield f"{prefix}.{i}.{layer}.weight", (rows,) if columns is None else (rows, columns)
            yield f"{prefix}.{i}.{layer}.bias", (rows,)


def take(x, places):
    """x [B, N, D] at places [B, K]."""
    return x.gather(1, places.long().unsqueeze(-1).expand(-1, -1, x.shape[-1]))


def encode(p, pixels, patch, depth, heads):
    x = F.conv2d(standardise(pixels), p["patch_embed.proj.weight"], p["patch_embed.proj.bias"], stride=patch)
    x = x.flatten(2).transpose(1, 2) + p["pos_embed"]
    for i in range(depth):
        x = block(p, f"blocks.{i}", x, heads)
    return F.layer_norm(x, x.shape[-1:], p["norm.weight"], p["norm.bias"], eps=1e-6)


def predict(p, representation, context, targets, depth, heads):
    positions = p["predictor_pos_embed"].expand(len(context), -1, -1)
    seen = F.linear(representation, p["predictor_embed.weight"], p["predictor_embed.bias"]) + take(positions, context)
    predictions = []
    for target in targets:
        x = torch.cat([seen, p["mask_token"] + take(positions, target)], dim=1)
        for i in range(depth):
            x = block(p, f"predictor_blocks.{i}", x, heads)
        x = F.layer_norm(x, x.shape[-1:], p["predictor_norm.weight"], p["predictor_norm.bias"], eps=1e-6)
        x = F.linear(x[:, context.shape[1]:], p["predictor_proj.weight"], p["predictor_proj.bias"])
        predictions.append(x)
    return torch.stack(predictions)


def authors(folder, image, patch, width, depth, heads, narrow, narrow_depth, generator, batch):
    """A checkpoint as the authors' code saves it: state_dicts of wrapped networks, the optimiser's state, numbers."""
    places = (image // patch) ** 2
    encoder_shapes = {
        "pos_embed": (1, places, width), "patch_embed.proj.weight": (width, 3, patch, patch),
        "patch_embed.proj.bias": (width,), **dict(block_shapes("blocks", width, depth, 4 * width)),
        "norm.weight": (width,), "norm.bias": (width,),
    }
    predictor_shapes = {
        "mask_token": (1, 1, narrow), "predictor_pos_embed": (1, places, narrow),
        "predictor_embed.weight": (narrow, width), "predictor_embed.bias": (narrow,),
        **dict(block_shapes("predictor_blocks", narrow, narrow_depth, 4 * narrow)),
        "predictor_norm.weight": (narrow,), "predictor_norm.bias": (narrow,),
        "predictor_proj.weight": (width, narrow), "predictor_proj.bias": (width,),
    }
    networks = {}
    for key, shapes in (("encoder", encoder_shapes), ("predictor", predictor_shapes), ("target_encoder", encoder_shapes)):
        networks[key] = OrderedDict((name, torch.zeros(shape)) for name, shape in shapes.items())
        draw(networks[key], generator)
    target, predictor = networks["target_encoder"], networks["predictor"]
    pixels = draw_pixels(image, batch, generator)
    order = torch.rand(3, batch, places, generator=generator).argsort(dim=-1).int()
    context, targets = order[0, :, : places // 2].contiguous(), order[1:, :, : places // 3].contiguous()
    hidden = encode(target, pixels, patch, depth, heads)
    representation = take(hidden, context).contiguous()
    predicted = predict(predictor, representation, context, targets, narrow_depth, heads)
    wrapped = {key: OrderedDict((f"module.{name}", value) for name, value in p.items()) for key, p in networks.items()}
    wrapped["encoder"]._metadata = OrderedDict([("", dict(version=1))])  # as state_dict() has it
    weight = torch.nn.Parameter(torch.zeros(2, 2))
    optimiser = torch.optim.AdamW([weight])
    weight.sum().backward()
    optimiser.step()
    name = f"authors-{image}px-p{patch}-w{width}-d{depth}"
    torch.save(
        {**wrapped, "opt": optimiser.state_dict(), "scaler": None, "epoch": 3, "loss": 0.25, "batch_size": 8,
         "world_size": 1, "lr": 1e-3},
        folder / f"{name}.pth.tar",
    )
    save_file(
        {f"pixels.{image}": pixels, f"hidden.{image}": hidden, "representation": representation, "context": context,
         "targets": targets, "predicted": predicted}, folder / f"{name}.expected",
    )
    return dict(name=name, path=f"{name}.pth.tar", kind="PyTorch", heads=heads)


def timm_encoder(folder, image, patch, width, depth, heads, generator, batch):
    from timm.models.vision_transformer import VisionTransformer

    model = VisionTransformer(
        img_size=image, patch_size=patch, embed_dim=width, depth=depth, num_heads=heads, class_token=False,
        global_pool="avg", fc_norm=False, num_classes=5,
    ).eval()
    draw(model, generator)
    pixels = draw_pixels(image, batch, generator)
    with torch.no_grad():
        hidden = model.forward_features(standardise(pixels))
    name = f"timm-{image}px-p{patch}-w{width}-d{depth}"
    save_file(model.state_dict(), folder / f"{name}.safetensors")
    save_file({f"pixels.{image}": pixels, f"hidden.{image}": hidden}, folder / f"{name}.expected")
    return dict(name=name, path=f"{name}.safetensors", kind="timm", heads=heads)


def make(folder, small):
    folder.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(2301)
    cases = [hugging_face(folder, sizes, generator, 2) for sizes in (FIXTURES if small else FULL)]
    if small:
        cases.append(authors(folder, 12, 4, 8, 2, 2, 4, 1, generator, 2))
        cases.append(timm_encoder(folder, 8, 4, 8, 1, 2, generator, 2))
        cases += [hugging_face(folder, sizes, generator, 2) for sizes in LAST_FIXTURES]
    else:
        cases.append(authors(folder, 48, 8, 96, 3, 4, 48, 2, generator, 3))
        cases.append(authors(folder, 64, 16, 192, 12, 3, 96, 6, generator, 2))  # ViT-Ti, whose heads need not be said
        cases.append(timm_encoder(folder, 64, 16, 192, 12, 3, generator, 2))
    (folder / "cases.json").write_text(json.dumps(cases, indent=2) + "\n")


def check(folder):
    for path in sorted((folder / "saved").iterdir()):
        if not path.is_dir():
            continue
        kit = load_file(path.with_suffix(".expected"))
        model = IJepaModel.from_pretrained(path, dtype=torch.float32).eval()
        processor = AutoImageProcessor.from_pretrained(path)
        with torch.no_grad():
            out = model(standardise(kit["pixels"])).last_hidden_state
        processed = processor(torch.zeros(3, 70, 90, dtype=torch.uint8), return_tensors="pt")["pixel_values"]
        black, image = -MEAN / DEVIATION, model.config.image_size
        fits = processed.shape == (1, 3, image, image)
        print(json.dumps(dict(
            name=path.name, difference=(out - kit["hidden"]).abs().max().item(),
            processor=(processed - black[:, None, None]).abs().max().item() if fits else None,
        )), flush=True)


if __name__ == "__main__":
    torch.set_num_threads(2)
    command, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    if command == "check":
        check(folder)
    else:
        make(folder, small=command == "fixtures")
