"""PyTorch's side of `deno task bench --workers`: one of several processes that add up gradients with gloo.

Takes its number of threads; its rank comes from torchrun's variables. Then reads lines "sum DTYPE MEGABYTES COUNT" and
answers each with a line of JSON: {"ms": [...]}, what each sum took. As DistributedDataParallel does, it adds up buckets of
25 MB, all of them under way at once; for bfloat16 it casts them to it and back, as that one's bf16_compress_hook does.
"""
import json
import sys
import time

import torch
import torch.distributed as dist


def add_up(buckets, dtype):
    sent = [bucket.to(dtype) for bucket in buckets]  # themselves, where they are float32
    for work in [dist.all_reduce(bucket, async_op=True) for bucket in sent]:
        work.wait()
    if dtype != torch.float32:
        for bucket, result in zip(buckets, sent):
            bucket.copy_(result)


def sum_times(dtype, megabytes, count):
    buckets = [torch.ones(25_000_000 // 4) for _ in range(megabytes // 25)]
    add_up(buckets, dtype)  # waits for the others
    size = dist.get_world_size()
    if any((bucket != size).any() for bucket in buckets):
        raise ValueError(f"ones of {size} workers, sent as {dtype}, do not add up to {size} here")
    for bucket in buckets:
        bucket.zero_()  # sums in place would grow
    times = []
    for _ in range(count):
        start = time.perf_counter()
        add_up(buckets, dtype)
        times.append((time.perf_counter() - start) * 1000)
    return times


torch.set_num_threads(int(sys.argv[1]))
dist.init_process_group("gloo")
print(json.dumps(dict(torch=torch.__version__)), flush=True)
for line in sys.stdin:
    _, dtype, megabytes, count = line.split()
    print(json.dumps(dict(ms=sum_times(getattr(torch, dtype), int(megabytes), int(count)))), flush=True)
dist.destroy_process_group()
