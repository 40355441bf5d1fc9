"""Runs a notebook top to bottom: run_notebook.py NOTEBOOK CELL_SECONDS, and writes it with its outputs to standard output.

A line of JSON for each cell done goes to standard error: {"cell": number, "of": number}, and where a cell fails {"cell", "of",
"error", "source"}; the exit code is then 1.
"""

import asyncio
import json
import subprocess
import sys
import time

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

path, cell_seconds = sys.argv[1], int(sys.argv[2])
folder = path.rsplit("/", 1)[0]


class Client(NotebookClient):
    """Goes on reading for a moment after a cell is said to be done: Deno's kernel may say so before its outputs are out."""

    async def _async_poll_output_msg(self, parent_msg_id, cell, cell_index):
        await super()._async_poll_output_msg(parent_msg_id, cell, cell_index)
        deadline = time.monotonic() + 0.1
        while (left := deadline - time.monotonic()) > 0:
            try:
                msg = await asyncio.wait_for(self.kc.iopub_channel.get_msg(timeout=None), left)
            except asyncio.TimeoutError:
                return
            if msg["parent_header"].get("msg_id") == parent_msg_id and msg["msg_type"] != "status":
                self.process_message(msg, cell, cell_index)


def tell(**fields):
    print(json.dumps(fields), file=sys.stderr, flush=True)


notebook = nbformat.read(path, as_version=4)
code_cells = [index for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
for index in code_cells:
    notebook.cells[index].outputs = []
    notebook.cells[index].execution_count = None
started = []


def on_start(cell, cell_index):
    started.append(cell_index)


def on_end(cell, cell_index, execute_reply):
    if execute_reply["content"]["status"] == "ok":
        tell(cell=code_cells.index(cell_index) + 1, of=len(code_cells))


client = Client(
    notebook,
    timeout=cell_seconds,
    kernel_name="deno",
    resources={"metadata": {"path": folder}},
    record_timing=False,
    coalesce_streams=True,
    on_cell_execute=on_start,
    on_cell_executed=on_end,
)


def last():
    return started[-1] if started else code_cells[0]


try:
    # Outputs come by messages; what the kernel's process itself prints would get among the lines here.
    client.execute(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
except CellExecutionError as error:
    # Deno's stack starts with what was thrown.
    tell(
        cell=code_cells.index(last()) + 1,
        of=len(code_cells),
        error=f"{error.ename}: {error.evalue}",
        source=notebook.cells[last()].source,
    )
    sys.exit(1)
except (CellTimeoutError, DeadKernelError) as error:
    kind = "it took longer than " + sys.argv[2] + " s" if isinstance(error, CellTimeoutError) else "the kernel died"
    tell(cell=code_cells.index(last()) + 1, of=len(code_cells), error=kind, source=notebook.cells[last()].source)
    sys.exit(1)
for cell in notebook.cells:
    cell.metadata.pop("execution", None)
nbformat.write(notebook, sys.stdout)
