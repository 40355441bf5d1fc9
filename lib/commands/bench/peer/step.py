"""The other side of `deno task bench`: the I-JEPA step that a PyTorch user would run, of lightly's and timm's own parts or of
plain PyTorch.

Takes the size as JSON. Then reads lines such as "lightly bf16 compiled 3" (whose parts, a mode, and how many steps) and answers
each with a line of JSON: {"ms": [...]}, what each step took, or {"error": "..."}. Images are standardised and in memory; masks
are drawn, and the loss is read, in every step, as on our side.
"""
import copy
import importlib
import json
import sys
import time
import warnings

import torch
import torch.nn.functional as F

warnings.simplefilter("ignore")

LEARNING_RATE, WEIGHT_DECAY, MOMENTUM = 1e-4, 0.05, 0.996


class Pretraining:
    """Networks, optimiser and one step of the official recipe.

    `parts` is a module with Encoder(size), called with images and, for the context, the kept patches, and Predictor(size),
    called with the context's tokens, its patches and a list of target blocks; both as a list gives them: blocks along the batch.
    """

    def __init__(self, size, device, parts):
        torch.manual_seed(0)
        self.device, self.batch = device, size["batch"]
        self.context_length, self.target_length, self.blocks = size["context"], size["targets"], size["blocks"]
        a = size["architecture"]
        self.patches = (a["image"] // a["patch"]) ** 2
        self.context_encoder = parts.Encoder(a).to(device)
        self.target_encoder = copy.deepcopy(self.context_encoder).requires_grad_(False)
        self.predictor = parts.Predictor(a).to(device)
        trained = [p for net in (self.context_encoder, self.predictor) for p in net.parameters() if p.requires_grad]
        # The recipe's rule: what has one dimension (biases, norms) is not decayed.
        groups = [
            dict(params=[p for p in trained if p.ndim > 1], weight_decay=WEIGHT_DECAY),
            dict(params=[p for p in trained if p.ndim <= 1], weight_decay=0.0),
        ]
        self.optimiser = torch.optim.AdamW(groups, lr=LEARNING_RATE, fused=True)
        self.images = torch.randn(self.batch, 3, a["image"], a["image"], device=device)
        self.generator = torch.Generator().manual_seed(1)
        self.averages = list(self.target_encoder.parameters())
        self.sources = [p.detach() for p in self.context_encoder.parameters()]
        self.compiled_loss = torch.compile(self.loss)

    def draw(self, count):
        """Random patches for each image, ascending: [B, count]."""
        order = torch.rand(self.batch, self.patches, generator=self.generator).argsort(dim=1)
        return order[:, :count].sort(dim=1).values.to(self.device)

    def loss(self, images, context, targets):
        with torch.no_grad():
            h = self.target_encoder(images)
            h = F.layer_norm(h, (h.size(-1),))
            h = torch.cat([h.gather(1, block[..., None].expand(-1, -1, h.size(-1))) for block in targets])
        z = self.predictor(self.context_encoder(images, context), context, targets)
        return F.smooth_l1_loss(z, h)

    def step(self, precision, compiled):
        context = self.draw(self.context_length)
        targets = [self.draw(self.target_length) for _ in range(self.blocks)]
        loss_of = self.compiled_loss if compiled else self.loss
        with torch.autocast(self.device, torch.bfloat16, enabled=precision == "bf16"):
            loss = loss_of(self.images, context, targets)
        loss.backward()
        self.optimiser.step()
        self.optimiser.zero_grad()
        with torch.no_grad():
            torch._foreach_lerp_(self.averages, self.sources, 1 - MOMENTUM)
        value = loss.item()  # waits for a GPU
        if value != value:
            raise ValueError("the loss is not a number")


def main():
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_float32_matmul_precision("high")  # TF32 on a GPU
    size = json.loads(sys.argv[1])
    trainings = {}
    print(json.dumps(dict(torch=torch.__version__, device=device, threads=torch.get_num_threads())), flush=True)
    for line in sys.stdin:
        parts, *mode, count = line.split()
        try:
            if parts not in trainings:
                trainings[parts] = Pretraining(size, device, importlib.import_module(f"parts.{parts}"))
            times = []
            for _ in range(int(count)):
                start = time.perf_counter()
                trainings[parts].step(mode[0], "compiled" in mode)
                times.append((time.perf_counter() - start) * 1000)
            answer = dict(ms=times)
        except Exception as error:  # e.g. torch.compile without a C++ compiler: the other modes can still be measured
            answer = dict(error=f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}")
        print(json.dumps(answer), flush=True)


main()
