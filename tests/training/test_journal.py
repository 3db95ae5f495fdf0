"""What a run says of itself: its log, slow data, TensorBoard."""

import json

import pytest
import torch

from ehpsbench.errors import InputError
from ehpsbench.training import cells
from ehpsbench.training.journal import Journal, Meter, spoken
from ehpsbench.training.log import read_log
from ehpsbench.training.ranks import Ranks

HERE = Ranks(0, 1, torch.device("cpu"))


def measured(waited=1.0, worked=9.0, steps=2):
    meter = Meter()
    for step in range(steps):
        terms = {"pose": torch.tensor(step + 0.5), "total": torch.tensor(step + 2.0)}
        meter.add(terms, 8, waited=waited / steps, worked=worked / steps)
    return meter


def test_a_line_holds_means_of_the_losses_and_where_the_time_went(tmp_path):
    log = Journal.of(tmp_path, 0, print)
    log.write(16, 1e-3, measured().told(HERE), 88.0)
    (line,) = [json.loads(text) for text in (tmp_path / cells.LOG).read_text().splitlines()]
    assert line["losses"] == {"pose": 1.0, "total": 2.5}
    assert (line["samples_seen"], line["lr"], line["heldout_mpjpe_mm"]) == (16, 1e-3, 88.0)
    assert (line["seconds"], line["wait_seconds"]) == (10.0, 1.0)
    assert line["samples_per_second"] == pytest.approx(1.6)


def test_what_was_measured_goes_on_from_what_was_saved_to_the_bit():
    saved = json.loads(json.dumps(measured(steps=3).told(HERE)))
    again, whole = Meter.of(saved, HERE), measured(steps=3)
    for meter in (again, whole):
        meter.add({"pose": torch.tensor(0.1), "total": torch.tensor(0.2)}, 8, waited=1, worked=1)
    assert again.told(HERE) == whole.told(HERE)


def test_data_that_starve_the_device_are_said_once(tmp_path):
    said = []
    log = Journal.of(tmp_path, 0, said.append)
    for seen, waited in ((16, 1.0), (32, 4.0), (48, 4.0)):
        log.write(seen, 1e-3, measured(waited=waited, worked=10 - waited).told(HERE), None)
    assert said == [line for line in said if "waited for crops 40 % of 10 s" in line]
    assert len(said) == 1


def test_a_log_goes_on_where_the_state_was(tmp_path):
    log = Journal.of(tmp_path, 0, print)
    for seen in (16, 32):
        log.write(seen, 1e-3, measured().told(HERE), None)
    assert [point["samples_seen"] for point in Journal.of(tmp_path, 16, print).points] == [16]
    assert Journal.of(tmp_path, 0, print).points == []


def test_a_loss_that_is_no_number_is_null_in_the_log_and_stays_so_when_the_run_goes_on(tmp_path):
    def refused(word):
        raise ValueError(f"{word} is no JSON")

    meter = Meter()
    terms = {"pose": torch.tensor(0.5), "camera": torch.tensor(torch.nan)}
    meter.add(terms, 8, waited=1.0, worked=1.0)
    saved = json.loads(json.dumps(meter.told(HERE), allow_nan=False))
    again = Meter.of(saved, HERE)
    again.add({"pose": torch.tensor(1.5), "camera": torch.tensor(2.0)}, 8, waited=1.0, worked=1.0)
    log = Journal.of(tmp_path, 0, print)
    log.write(16, 1e-3, again.told(HERE), 88.0)
    log.close()
    (line,) = (tmp_path / cells.LOG).read_text().splitlines()
    assert json.loads(line, parse_constant=refused)["losses"] == {"pose": 1.0, "camera": None}


def test_a_log_that_is_broken_is_named_by_its_line(tmp_path):
    (tmp_path / cells.LOG).write_text('{"samples_seen": 16, "lr": NaN}\n{"samples\n')
    with pytest.raises(InputError, match=r"log\.jsonl is broken in line 2 .*Delete the run"):
        read_log(tmp_path)
    (tmp_path / cells.LOG).write_text('{"samples_seen": 16, "lr": NaN}\n')
    assert read_log(tmp_path) == [{"samples_seen": 16, "lr": None}]


def test_progress_in_lines_comes_once_a_minute_with_the_time_left():
    said, clock = [], [0.0]
    tell = spoken(said.append, "Cutting crops", lambda: clock[0])
    for done in range(0, 2000, 100):
        clock[0] = done / 10  # ten a second
        tell(done, 12_000)
    assert said == [
        "Cutting crops: 600 of 12,000, about 19 min left.",
        "Cutting crops: 1,200 of 12,000, about 18 min left.",
        "Cutting crops: 1,800 of 12,000, about 17 min left.",
    ]


def test_a_board_gets_each_number_of_the_log_that_is_one(tmp_path):
    written = {}

    class Board:
        def add_scalar(self, name, value, step):
            written[name, step] = value

        def flush(self):
            written["flushed"] = True

    told = measured().told(HERE)
    told["losses"]["pose"] = None
    Journal(tmp_path, print, [], Board()).write(16, 1e-3, told, None)
    assert written == {
        ("losses/total", 16): 2.5,
        ("lr", 16): 1e-3,
        ("wait_seconds", 16): 1.0,
        ("samples_per_second", 16): 1.6,
        "flushed": True,
    }


def test_tensorboard_gets_what_the_log_gets(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = Journal.of(tmp_path, 0, print)
    log.write(16, 1e-3, measured().told(HERE), 88.0)
    log.close()
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("heldout_mpjpe_mm")] == [(16, 88.0)]
    assert events.Scalars("losses/pose")[0].value == 1.0
