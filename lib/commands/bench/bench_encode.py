"""The other side of `deno task bench --encode`: transformers' IJepaModel over a folder of photographs.

    bench_encode.py make FOLDER COUNT SIZES      random weights in FOLDER/model, photographs in FOLDER/images; SIZES: JSON
    bench_encode.py encode FOLDER MODE BATCH     writes FOLDER/peer.npy; MODE: f32, bf16, "f32 compiled", "bf16 compiled"

As a user would who wants it fast: a DataLoader with a worker a core reads, resizes and crops; the last batch is filled up, so
that torch.compile meets one shape.
"""
import json
import os
import sys

import numpy as np
import torch
from PIL import Image

try:
    import torchvision
except RuntimeError:
    # Built for another torch, its operators are not there. None is used.
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor boxes, Tensor scores, float threshold) -> Tensor")
    import torchvision  # noqa: F401


def make(folder, count, sizes):
    from transformers import IJepaConfig, IJepaModel

    torch.manual_seed(0)
    width = sizes["width"]
    config = IJepaConfig(
        hidden_size=width, num_hidden_layers=sizes["depth"], num_attention_heads=sizes["heads"], intermediate_size=4 * width,
        image_size=224, patch_size=sizes["patch"],
    )
    IJepaModel(config, add_pooling_layer=False).save_pretrained(f"{folder}/model")
    os.makedirs(f"{folder}/images")
    random = np.random.default_rng(0)
    for i in range(count):
        coarse = random.integers(0, 256, (24, 32, 3), dtype=np.uint8)
        photograph = Image.fromarray(coarse).resize((500, 375), Image.BICUBIC)
        photograph.save(f"{folder}/images/{i:04}.jpg", quality=90)


class Photographs(torch.utils.data.Dataset):
    def __init__(self, folder):
        from torchvision import transforms

        self.paths = sorted(os.path.join(folder, name) for name in os.listdir(folder))
        self.view = transforms.Compose([
            transforms.Resize(224, interpolation=transforms.InterpolationMode.BICUBIC), transforms.CenterCrop(224),
            transforms.ToTensor(), transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ])

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        return self.view(Image.open(self.paths[i]).convert("RGB"))


def encode(folder, mode, batch):
    from transformers import IJepaModel

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = IJepaModel.from_pretrained(f"{folder}/model", add_pooling_layer=False).eval().to(device)
    features = lambda pixels: model(pixel_values=pixels).last_hidden_state.mean(1)
    if "compiled" in mode:
        features = torch.compile(features)
    rows = []
    loader = torch.utils.data.DataLoader(Photographs(f"{folder}/images"), batch, num_workers=os.cpu_count())
    with torch.inference_mode(), torch.autocast(device, torch.bfloat16, enabled=mode.startswith("bf16")):
        for pixels in loader:
            count = len(pixels)
            if count < batch:
                pixels = torch.cat([pixels, pixels.new_zeros(batch - count, *pixels.shape[1:])])
            rows.append(features(pixels.to(device)).float().cpu()[:count])
    np.save(f"{folder}/peer.npy", torch.cat(rows).numpy())


if sys.argv[1] == "make":
    make(sys.argv[2], int(sys.argv[3]), json.loads(sys.argv[4]))
else:
    encode(sys.argv[2], sys.argv[3], int(sys.argv[4]))
