"""A trial is retried while its checkpoint advances, and given up after three attempts without progress."""

from __future__ import annotations

import os
from pathlib import Path

from labelnoise.training.job import may_begin
from labelnoise.trial_folder import TrialFolder


def test_trial_is_given_up_after_three_attempts_without_progress(tmp_path: Path):
    folder = TrialFolder(tmp_path)
    assert [may_begin(folder, attempt) for attempt in (1, 2, 3, 4, 5)] == [True, True, True, False, False]


def test_trial_is_never_given_up_while_its_checkpoint_advances(tmp_path: Path):
    checkpoint = tmp_path / "checkpoint.pt"
    for attempt in range(1, 21):
        assert may_begin(TrialFolder(tmp_path), attempt)
        if attempt % 3 == 0:
            checkpoint.touch()
            os.utime(checkpoint, ns=(attempt, attempt))


def test_new_run_resets_the_count_of_attempts(tmp_path: Path):
    for _ in range(5):
        assert may_begin(TrialFolder(tmp_path), 1)
    assert may_begin(TrialFolder(tmp_path), 2)


def test_damaged_record_does_not_end_the_trial(tmp_path: Path):
    (tmp_path / ".attempts.json").write_text("{")
    assert may_begin(TrialFolder(tmp_path), 9)
