"""Hugging Face's own Trainer with the callback: one line, the same training, the same alerts as by hand."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
    PrinterCallback,
    Trainer,
    TrainingArguments,
)

from nissa import Telemetry, Watch
from nissa.events import (
    BatchCompleted,
    ClassesMeasured,
    EpisodeStarted,
    EpochCompleted,
    GradientsMeasured,
    RunEnded,
    RunStarted,
    ScalarsLogged,
)
from nissa.integrations import TransformersCallback
from tests.integrations.told import alerts, bits, events, metrics, payloads, whole

pytestmark = [
    pytest.mark.deep,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning"),
]

STEPS, SPIKE = 60, 45
"""Steps of the trainings, and the one whose loss may be broken."""


def texts(labelled: bool) -> list[dict[str, Any]]:
    draw = torch.Generator().manual_seed(1)
    rows = torch.randint(20, (120, 8), generator=draw)
    return [{"input_ids": row, "labels": (row[0] > 9).long() if labelled else row} for row in rows]


def language_model() -> Any:
    torch.manual_seed(0)
    return GPT2LMHeadModel(GPT2Config(vocab_size=20, n_positions=8, n_embd=16, n_layer=1, n_head=2))


def classifier() -> Any:
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    return BertForSequenceClassification(BertConfig(vocab_size=20, max_position_embeddings=8, num_labels=2, **sizes))


class Breaking(Trainer):  # type: ignore[misc]
    """A trainer whose loss is broken at one step."""

    broken = 1.0

    def compute_loss(self, *arguments: Any, **named: Any) -> Any:
        loss = super().compute_loss(*arguments, **named)
        hit = self.model.training and self.state.global_step == SPIKE
        return loss * self.broken if hit and isinstance(loss, torch.Tensor) else loss


class ByHand(Breaking):
    """Nissa embedded by somebody who may change the trainer."""

    def embed(self, telemetry: Telemetry) -> None:
        self.env = telemetry.scope(env=0, episode=0, epoch=1)
        self.env.emit(EpisodeStarted(policy="never"))
        self.watch, self.batch = Watch(telemetry, self.model, emitter=self.env), 0

    def training_step(self, *arguments: Any, **named: Any) -> Any:
        self.loss = super().training_step(*arguments, **named)
        return self.loss

    def _clip_grad_norm(self, model: Any) -> Any:
        self.watch.step()
        self.env.emit(BatchCompleted(batch=self.batch, loss=self.loss.item()))
        self.batch += 1
        return super()._clip_grad_norm(model)


def made(tmp_path: Path, model: Any, kind: Any = Trainer, **how: Any) -> Any:
    options = {"max_steps": STEPS, "per_device_train_batch_size": 2, "logging_steps": 1, "learning_rate": 1e-3} | how
    quiet = {"use_cpu": True, "report_to": [], "disable_tqdm": True, "save_strategy": "no"}
    arguments = TrainingArguments(output_dir=tmp_path / "out", **quiet, **options)
    rows = texts(isinstance(model, BertForSequenceClassification))
    trainer = kind(model=model, args=arguments, train_dataset=rows[:80], eval_dataset=rows[80:])
    trainer.remove_callback(PrinterCallback)
    return trainer


def trained(tmp_path: Path, run: Any, model: Any, kind: Any = Trainer, broken: float = 1.0, **how: Any) -> Any:
    trainer = made(tmp_path, model, kind, **how)
    trainer.broken = broken
    if run is not None:
        trainer.add_callback(TransformersCallback(trainer, run))
    trainer.train()
    return trainer


@pytest.mark.parametrize("model", [language_model, classifier])
def test_a_training_is_bit_for_bit_the_same_with_the_callback(model: Any, tmp_path: Path) -> None:
    how: dict[str, Any] = {"eval_strategy": "steps", "eval_steps": 20, "gradient_accumulation_steps": 2}
    with Telemetry(out=tmp_path / "run", config="research") as telemetry:
        with_it = trained(tmp_path, telemetry, model(), **how)
        assert not telemetry.state().faults
    assert bits(with_it.model) == bits(trained(tmp_path, None, model(), **how).model)


@pytest.mark.parametrize(("broken", "alert"), [(1e3, "loss_spike"), (float("nan"), "non_finite")])
def test_the_alerts_are_those_of_an_embedding_by_hand(broken: float, alert: str, tmp_path: Path) -> None:
    one_epoch = {"per_device_train_batch_size": 1}
    trained(tmp_path, tmp_path / "callback", language_model(), Breaking, broken, **one_epoch)
    with Telemetry(out=tmp_path / "hand") as telemetry:
        trainer = made(tmp_path, language_model(), ByHand, **one_epoch)
        trainer.broken = broken
        trainer.embed(telemetry)
        trainer.train()
    # By hand nothing closes the epoch.
    of_batches = [row for row in alerts(tmp_path / "callback") if row[1] != "train_loss"]
    assert of_batches == alerts(tmp_path / "hand")
    assert alert in {row[0] for row in of_batches}


@pytest.mark.parametrize("limit", [1e-3, 0.0])
def test_gradients_are_measured_before_clipping(limit: float, tmp_path: Path) -> None:
    config = {"gradients": {"every": 1}}
    with Telemetry(out=tmp_path / "run", config=config) as telemetry:
        trainer = trained(tmp_path, telemetry, language_model(), max_grad_norm=limit, gradient_accumulation_steps=2)
    own = [row["grad_norm"] for row in trainer.state.log_history if "grad_norm" in row]
    looks = payloads(tmp_path / "run", GradientsMeasured)
    assert [look.host_norm for look in looks] == pytest.approx([float(norm) for norm in own], rel=1e-4)
    assert min(look.host_norm for look in looks) > 0.01


def test_a_step_is_told_once_with_the_loss_that_the_trainer_logs(tmp_path: Path) -> None:
    how: dict[str, Any] = {"gradient_accumulation_steps": 2, "eval_strategy": "steps", "eval_steps": 25}
    trainer = trained(tmp_path, tmp_path / "run", language_model(), **how)
    steps = [event for event in events(tmp_path / "run") if isinstance(event.payload, BatchCompleted)]
    assert [(step.scope.epoch, step.payload.batch) for step in steps] == [
        (1 + at // 25, at % 25) for at in range(STEPS)
    ]
    logged = [float(row["loss"]) for row in trainer.state.log_history if "loss" in row]
    assert [step.payload.loss for step in steps] == pytest.approx(logged, abs=1e-3)
    scalars = payloads(tmp_path / "run", ScalarsLogged)
    assert [row.step for row in scalars if "learning_rate" in row.values] == list(range(1, STEPS + 1))


def test_an_evaluation_closes_an_epoch_and_the_run_ends_with_the_training(tmp_path: Path) -> None:
    before = metrics_without(tmp_path / "without")
    how: dict[str, Any] = {"max_steps": -1, "num_train_epochs": 2, "eval_strategy": "epoch"}

    def measured(told: Any) -> dict[str, float]:
        return {"accuracy": float((told.predictions.argmax(-1) == told.label_ids).mean())}

    trainer = made(tmp_path, classifier(), **how)
    trainer.compute_metrics = measured
    trainer.add_callback(TransformersCallback(trainer, tmp_path / "run"))
    trainer.train()
    trainer.evaluate()
    rows = [row for row in trainer.state.log_history if "eval_loss" in row][:2]
    epochs = payloads(tmp_path / "run", EpochCompleted)
    assert [(e.val_loss, e.val_accuracy, e.n_val) for e in epochs] == [
        (row["eval_loss"], pytest.approx(100 * row["eval_accuracy"]), 40) for row in rows
    ]
    (started,), (ended,) = payloads(tmp_path / "run", RunStarted), payloads(tmp_path / "run", RunEnded)
    assert started.hyperparameters["per_device_train_batch_size"] == 2
    assert ended.outcome == "completed"
    assert len(metrics(tmp_path / "run")) > len(before) + 15


def test_an_evaluation_without_a_step_before_it_closes_nothing(tmp_path: Path) -> None:
    how: dict[str, Any] = {"max_steps": 4, "eval_strategy": "steps", "eval_steps": 2, "eval_on_start": True}
    trainer = made(tmp_path, language_model(), **how)
    trainer.eval_dataset = {"one": trainer.eval_dataset, "two": trainer.eval_dataset}
    trainer.add_callback(TransformersCallback(trainer, tmp_path / "run"))
    trainer.train()
    closed = [event.scope.epoch for event in events(tmp_path / "run") if isinstance(event.payload, EpochCompleted)]
    assert closed == [1, 2]


def test_a_classifiers_evaluation_serves_the_probes(tmp_path: Path) -> None:
    with Telemetry(out=tmp_path / "run", config="diagnostic") as telemetry:
        trained(tmp_path, telemetry, classifier(), eval_strategy="steps", eval_steps=20)
        assert not telemetry.state().faults
    assert {*payloads(tmp_path / "run", ClassesMeasured)[0].classes} == {"0", "1"}


def test_the_trainer_is_as_it_was_after_the_training(tmp_path: Path) -> None:
    trainer = trained(tmp_path, tmp_path / "run", language_model(), max_steps=2)
    assert {"training_step", "prediction_step"} & vars(trainer).keys() == set()
    assert "unscale_gradients" not in vars(trainer.accelerator)


class Odd(Trainer):  # type: ignore[misc]
    """Evaluates pairs, and logs what is no number."""

    def prediction_step(self, model: Any, inputs: Any, *rest: Any, **named: Any) -> Any:
        return super().prediction_step(model, inputs[0] if isinstance(inputs, tuple) else inputs, *rest, **named)

    def evaluation_loop(self, *arguments: Any, **named: Any) -> Any:
        self.prediction_step(self.model, (self._prepare_inputs(next(iter(arguments[0]))), "pair"), True)
        return super().evaluation_loop(*arguments, **named)

    def log(self, logs: dict[str, Any], *rest: Any, **named: Any) -> None:
        super().log(logs | {"note": "text", "nothing": None}, *rest, **named)


def test_what_a_trainer_does_in_its_own_way_is_no_fault(tmp_path: Path) -> None:
    with Telemetry(out=tmp_path / "run") as telemetry:
        trained(tmp_path, telemetry, classifier(), Odd, max_steps=4, eval_strategy="steps", eval_steps=2)
        assert not telemetry.state().faults
    told = [row.values.keys() for row in payloads(tmp_path / "run", ScalarsLogged)]
    assert all("epoch" in names and not {"note", "nothing"} & names for names in told)
    assert any("learning_rate" in names for names in told)


def test_what_fails_in_a_tap_does_not_reach_the_trainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TransformersCallback, "_unseen", lambda *_, **__: 1 / 0)
    with Telemetry(out=tmp_path / "run") as telemetry:
        trained(tmp_path, telemetry, classifier(), max_steps=2, eval_strategy="steps", eval_steps=2)
        assert telemetry.state().faults == {"integration": 5}


def test_what_cannot_be_told_of_a_trainer_is_a_fault_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nissa.integrations.transformers.SupervisedTraining", lambda *_, **__: 1 / 0)
    monkeypatch.setattr("nissa.integrations.transformers.parameters_of", lambda _: 1 / 0)
    with Telemetry(out=tmp_path / "run") as telemetry:
        with_it = trained(tmp_path, telemetry, classifier(), max_steps=4)
        assert telemetry.state().faults == {"integration": 1, "probe run_started": 1}
    assert bits(with_it.model) == bits(trained(tmp_path, None, classifier(), max_steps=4).model)


def test_a_directory_that_holds_a_run_is_refused_before_the_first_step(tmp_path: Path) -> None:
    trained(tmp_path, tmp_path / "run", classifier(), max_steps=2)
    before = whole(tmp_path / "run")
    trainer = made(tmp_path, classifier(), max_steps=4)
    refused = TransformersCallback(trainer, tmp_path / "run")
    trainer.add_callback(refused)
    with pytest.raises(FileExistsError, match=r"run holds a run"):
        trainer.train()
    assert trainer.state.global_step == 0
    trainer.remove_callback(refused)
    trainer.train()
    assert bits(trainer.model) == bits(trained(tmp_path, None, classifier(), max_steps=4).model)
    assert whole(tmp_path / "run") == before


def test_half_an_epoch_is_one_that_is_planned(tmp_path: Path) -> None:
    trained(tmp_path, tmp_path / "run", classifier(), max_steps=-1, num_train_epochs=0.5)
    assert payloads(tmp_path / "run", EpisodeStarted)[0].max_epochs == 1


def metrics_without(run: Path) -> set[str]:
    with Telemetry(out=run):
        pass
    return metrics(run)
