"""Work on every executor: all of it ends, a failure costs only its own item, and is explained."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from ehpsbench.errors import InputError, UnknownName, WorkerDied
from ehpsbench.executors import local
from ehpsbench.executors.cores import readers_each
from ehpsbench.executors.look_up import results, run
from ehpsbench.executors.settings import Settings, settings

LOCAL = Settings(workers=2, gpus=0)
EXECUTORS = [
    pytest.param(LOCAL, id="local"),
    pytest.param(Settings(executor="slurm", cluster="local", minutes=5), id="slurm"),
]
if importlib.util.find_spec("ray"):  # an extra of its own, as it is not there for every Python
    EXECUTORS.append(pytest.param(Settings(executor="ray", workers=2), id="ray"))


def work(more: int, item: int) -> int:
    if item == 13:
        raise InputError("thirteen")
    if item == 99:
        os.kill(os.getpid(), signal.SIGKILL)
    return item + more


# Ray's and submitit's own warnings are no fault of this package.
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("executor", EXECUTORS)
def test_what_fails_or_dies_costs_only_itself(executor: Settings, tmp_path: Path) -> None:
    ended = dict(run(work, 100, [99, 13, 1], executor, logs=tmp_path))
    assert ended[1].get() == 101
    assert (type(ended[13].error), str(ended[13].error)) == (InputError, "thirteen")
    assert isinstance(ended[99].error, WorkerDied)
    assert "same command goes on" in str(ended[99].error)


def test_a_killed_local_process_is_named_by_its_signal() -> None:
    [(_, outcome)] = run(work, 0, [99], LOCAL)
    assert "was killed by SIGKILL" in str(outcome.error)


def test_this_process_works_one_item_after_another() -> None:
    ended = dict(run(work, 100, [1, 13, 2], "here"))
    assert (ended[1].get(), ended[2].get()) == (101, 102)
    assert isinstance(ended[13].error, InputError)


def test_the_first_error_of_results_comes_through() -> None:
    with pytest.raises(InputError, match="thirteen"):
        list(results(run(work, 0, [13, 1], LOCAL)))


def see_gpu(_: None, item: int) -> tuple[str, int]:
    time.sleep(0.2)
    return os.environ["CUDA_VISIBLE_DEVICES"], os.getpid()


def test_each_local_process_sees_one_gpu_of_those_that_are_visible(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3, 5")
    seen = {outcome.get() for _, outcome in run(see_gpu, None, range(6))}
    assert {gpu for gpu, _ in seen} == {"3", "5"}
    assert len(seen) == 2, "a process serves many items"


def test_three_workers_share_two_gpus_and_0_hides_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert local.places(Settings(workers=3)) == ["0", "1", "0"]
    assert local.places(Settings(gpus=0)) == [""]


def threads(_: None, item: int) -> int:
    import torch

    return torch.get_num_threads()


def test_local_processes_side_by_side_have_one_thread_each() -> None:
    assert [outcome.get() for _, outcome in run(threads, None, [0], LOCAL)] == [1]


def linger(folder: Path, item: int) -> None:
    signal.signal(signal.SIGTERM, lambda *_: _saved(folder))
    (folder / "began").touch()
    time.sleep(60)


def _saved(folder: Path) -> None:
    (folder / "saved").write_text(str(os.getpid()))
    sys.exit(0)


def _wait_for(path: Path) -> None:
    until = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < until, f"{path} never came"
        time.sleep(0.05)


def test_closing_lets_what_runs_save_its_state(tmp_path: Path) -> None:
    seen: list[int] = []
    with closing(run(linger, tmp_path, [7, 8], Settings(workers=1, gpus=0), watch=seen.extend)):
        pass  # nothing was asked for, so nothing began
    assert not (tmp_path / "began").exists()

    def stop(items: object) -> None:
        if (tmp_path / "began").exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(run(linger, tmp_path, [7], Settings(workers=1, gpus=0), watch=stop))
    assert (tmp_path / "saved").exists()


def test_what_runs_saves_its_state_when_its_parent_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "import test_executors as t\n"
        "if __name__ == '__main__':\n"
        "    list(t.run(t.linger, Path(sys.argv[2]), [1], t.LOCAL))\n"
    )
    script = tmp_path / "planner.py"
    script.write_text(code)
    here = str(Path(__file__).parent)
    planner = subprocess.Popen([sys.executable, str(script), here, str(tmp_path)])
    _wait_for(tmp_path / "began")
    planner.kill()
    planner.wait()
    _wait_for(tmp_path / "saved")


def test_settings_come_from_a_name_a_file_and_flags(tmp_path: Path) -> None:
    path = tmp_path / "cluster.toml"
    path.write_text('executor = "slurm"\npartition = "gpu"\n[extra]\nnodelist = "n1"\n')
    found = settings(path, partition="big", workers=None)
    assert (found.executor, found.partition, found.extra) == ("slurm", "big", {"nodelist": "n1"})
    with pytest.raises(UnknownName, match=r"executor called 'slrum'.* slurm"):
        settings("slrum")
    path.write_text("partitoin = 'gpu'\n")
    with pytest.raises(InputError, match="partitoin"):
        settings(path)


def test_a_time_limit_asks_for_the_same_job_again(tmp_path: Path) -> None:
    from ehpsbench.executors.slurm import Job

    again = Job(tmp_path).checkpoint("item")
    assert (again.function, again.args) == (Job(tmp_path), ("item",))


def test_slurm_is_told_what_the_settings_say() -> None:
    from ehpsbench.executors.slurm import _parameters

    found = _parameters(Settings(executor="slurm", partition="p", gpus=1, extra={"nodelist": "n"}))
    assert found == {
        "name": "ehpsbench",
        "timeout_min": 1440,
        "gpus_per_node": 1,
        "slurm_partition": "p",
        "slurm_additional_parameters": {"nodelist": "n"},
    }


@pytest.mark.parametrize(("executor", "package"), [("slurm", "submitit"), ("ray", "ray")])
def test_without_its_package_an_executor_says_how_to_install_it(
    executor: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)  # an import of it fails
    words = rf"needs the package {package}, .* pip install 'ehpsbench\[{executor}\]'"
    with pytest.raises(InputError, match=words):
        list(run(work, 0, [1], executor, logs=tmp_path))


def test_without_slurm_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no sbatch there
    with pytest.raises(InputError, match="Slurm cannot be used from here"):
        list(run(work, 0, [1], "slurm", logs=tmp_path))


def test_cells_on_gpus_share_the_cores_for_reading_and_a_cpu_reads_for_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(24)), raising=False)
    ways = [Settings(), Settings(workers=3), Settings(workers=99), Settings(executor="here")]
    assert [readers_each(one) for one in ways] == [12, 8, 1, 24]
    assert readers_each(Settings(cpus=5)) == 5
    assert readers_each(Settings(gpus=0)) == 0
    assert readers_each(Settings(executor="slurm")) is None, "its machines tell"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert readers_each(Settings()) == 0
