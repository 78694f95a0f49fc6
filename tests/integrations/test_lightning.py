"""Lightning's own trainer with the callback: one line, the same training, the same alerts as by hand."""

from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from nissa import Telemetry, Watch
from nissa.events import (
    BatchCompleted,
    EpisodeEnded,
    EpisodeStarted,
    EpochCompleted,
    GradientsMeasured,
    RunEnded,
    RunStarted,
    ScalarsLogged,
)
from nissa.integrations import LightningCallback, LightningLogger
from nissa.integrations.supervised import _known
from tests.integrations.told import alerts, bits, events, metrics, payloads

pytestmark = [
    pytest.mark.deep,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning"),
]

EPOCHS, SIZE, BATCH = 4, 160, 4
SPIKE = 30
"""The batch, of the last epoch, whose inputs are a thousand times as large."""


def data() -> tuple[TensorDataset, TensorDataset]:
    draw = torch.Generator().manual_seed(1)
    images = torch.randn(SIZE + 40, 4, generator=draw)
    labels = images[:, :3].argmax(1)
    return TensorDataset(images[:SIZE], labels[:SIZE]), TensorDataset(images[SIZE:], labels[SIZE:])


class Net(pl.LightningModule):  # type: ignore[misc]
    """A small classifier with batch norm and dropout."""

    def __init__(self, broken: float = 1.0, dropout: float = 0.0) -> None:
        super().__init__()
        self.save_hyperparameters()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, 3))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.net(x)
        return out

    def training_step(self, batch: tuple[Tensor, Tensor], at: int) -> Tensor:
        loss = cross_entropy(self(batch[0]), batch[1])
        hit = self.trainer.current_epoch == EPOCHS - 1 and at == SPIKE
        return loss * self.hparams.broken if hit else loss

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        logits = self(batch[0])
        self.log("val_loss", cross_entropy(logits, batch[1]))
        self.log("val_acc", (logits.argmax(1) == batch[1]).double().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.05)


def trained(callbacks: list[Any], broken: float = 1.0, dropout: float = 0.0, net: Any = None, **how: Any) -> Any:
    train, val = data()
    net = net or Net(broken, dropout)
    quiet = {"enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    options = {"accelerator": "cpu", "max_epochs": EPOCHS, "gradient_clip_val": 0.5, "logger": False} | quiet | how
    trainer = pl.Trainer(callbacks=callbacks, **options)
    trainer.fit(net, DataLoader(train, batch_size=BATCH), DataLoader(val, batch_size=BATCH))
    return net


def by_hand(run: Path, broken: float, config: str = "standard") -> nn.Module:
    """The same training in a loop of our own, with Nissa embedded line by line."""
    train, val = data()
    net = Net(broken)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05)
    with Telemetry(out=run, config=config) as telemetry:
        env = telemetry.scope(env=0, episode=0)
        env.emit(EpisodeStarted(policy="never"))
        watch = Watch(telemetry, net, emitter=env)
        for epoch in range(EPOCHS):
            seen = list[float]()
            env.move(epoch=epoch + 1)
            for at, (x, y) in enumerate(DataLoader(train, batch_size=BATCH)):
                net.train()
                optimizer.zero_grad()
                loss = cross_entropy(net(x), y)
                loss = loss * broken if epoch == EPOCHS - 1 and at == SPIKE else loss
                loss.backward()  # type: ignore[no-untyped-call]
                watch.step()
                nn.utils.clip_grad_norm_(net.parameters(), 0.5)
                optimizer.step()
                seen.append(loss.item())
                env.emit(BatchCompleted(batch=at, loss=loss.item()))
            net.eval()
            with torch.no_grad():
                losses = [cross_entropy(net(x), y).item() for x, y in DataLoader(val, batch_size=BATCH)]
                right = sum(int((net(x).argmax(1) == y).sum()) for x, y in DataLoader(val, batch_size=BATCH))
            watch.epoch(*next(iter(DataLoader(val, batch_size=BATCH))))
            accuracy = 100 * right / len(val)
            val_loss, train_loss = sum(losses) / len(losses), sum(seen) / len(seen)
            env.emit(EpochCompleted(train_loss=train_loss, val_loss=val_loss, val_accuracy=accuracy, n_val=len(val)))
    return net


@pytest.mark.parametrize("config", ["standard", "research"])
def test_a_training_is_bit_for_bit_the_same_with_the_callback(config: str, tmp_path: Path) -> None:
    with Telemetry(out=tmp_path / "run", config=config) as telemetry:
        net = trained([LightningCallback(telemetry)], dropout=0.2)
        assert not telemetry.state().faults
    assert bits(net) == bits(trained([], dropout=0.2))


@pytest.mark.parametrize(("broken", "alert"), [(1e3, "loss_spike"), (float("nan"), "non_finite")])
def test_the_alerts_are_those_of_an_embedding_by_hand(broken: float, alert: str, tmp_path: Path) -> None:
    trained([LightningCallback(tmp_path / "callback")], broken)
    by_hand(tmp_path / "hand", broken)
    assert alerts(tmp_path / "callback") == alerts(tmp_path / "hand")
    assert alert in {raised[0] for raised in alerts(tmp_path / "callback")}


def test_everything_is_told_and_the_run_ends_with_the_training(tmp_path: Path) -> None:
    before = metrics_without(tmp_path / "without")
    trained([LightningCallback(tmp_path / "run")])
    run = tmp_path / "run"
    (started,), (episode,), (ended,) = (payloads(run, kind) for kind in (RunStarted, EpisodeStarted, RunEnded))
    assert started.hyperparameters["broken"] == 1.0
    assert started.hyperparameters["gradient_clip_val"] == 0.5
    assert episode.host_params == 16 * 4 + 16 + 32 + 16 * 3 + 3
    assert ended.outcome == "completed"
    batches = [event for event in events(run) if isinstance(event.payload, BatchCompleted)]
    assert [(e.scope.epoch, e.payload.batch) for e in batches] == [
        (epoch, batch) for epoch in range(1, EPOCHS + 1) for batch in range(SIZE // BATCH)
    ]
    epochs = payloads(run, EpochCompleted)
    assert all(e.n_val == 40 and e.val_loss and 0 <= e.val_accuracy <= 100 for e in epochs)
    last = [e.payload.loss for e in batches[-SIZE // BATCH :]]
    assert epochs[-1].train_loss == pytest.approx(sum(last) / len(last))
    assert payloads(run, EpisodeEnded)[0].final_accuracy == epochs[-1].val_accuracy
    assert payloads(run, GradientsMeasured)
    assert len(metrics(run)) > len(before) + 15, metrics(run) - before


def metrics_without(run: Path) -> set[str]:
    with Telemetry(out=run):
        pass
    return metrics(run)


def test_a_step_of_several_batches_is_told_once_with_their_mean(tmp_path: Path) -> None:
    trained([LightningCallback(tmp_path / "run")], accumulate_grad_batches=4, max_epochs=1, gradient_clip_val=None)
    train, _ = data()
    told = payloads(tmp_path / "run", BatchCompleted)
    assert [batch.batch for batch in told] == list(range(SIZE // BATCH // 4))
    net = Net().train()
    losses = [cross_entropy(net(x), y).item() for x, y in list(DataLoader(train, batch_size=BATCH))[:4]]
    assert told[0].loss == pytest.approx(sum(losses) / 4)


def test_the_logger_tells_what_the_module_logs(tmp_path: Path) -> None:
    trained([], logger=LightningLogger(tmp_path / "run"))
    told = payloads(tmp_path / "run", ScalarsLogged)
    assert [sorted(row.values) for row in told] == [["epoch", "val_acc", "val_loss"]] * EPOCHS
    assert [row.step for row in told] == [SIZE // BATCH * epoch - 1 for epoch in range(1, EPOCHS + 1)]
    (started,), (ended,) = payloads(tmp_path / "run", RunStarted), payloads(tmp_path / "run", RunEnded)
    assert started.hyperparameters == {"broken": 1.0, "dropout": 0.0}
    assert ended.outcome == "completed"


def test_what_is_no_number_loses_none_that_is(tmp_path: Path) -> None:
    with Telemetry(out=tmp_path / "run") as telemetry:
        odd = {"image": torch.zeros(2, 2), "note": "text", "nothing": None}
        LightningLogger(telemetry).log_metrics({"loss": 0.5, "norm": torch.tensor([3.0]), **odd}, step=7)
        assert not telemetry.state().faults
    (told,) = payloads(tmp_path / "run", ScalarsLogged)
    assert (told.values, told.step) == ({"loss": 0.5, "norm": 3.0}, 7)


def test_callback_and_logger_share_a_run(tmp_path: Path) -> None:
    with Telemetry(out=tmp_path / "run") as telemetry:
        net = trained([LightningCallback(telemetry)], logger=LightningLogger(telemetry), log_every_n_steps=10)
        assert not telemetry.state().faults
    (started,) = payloads(tmp_path / "run", RunStarted)
    assert started.hyperparameters["gradient_clip_val"] == 0.5
    sizes = [row for row in payloads(tmp_path / "run", ScalarsLogged) if "lr" in row.values]
    assert [(row.step, row.values) for row in sizes] == [
        (step, {"lr": 0.05}) for step in range(10, EPOCHS * SIZE // BATCH + 1, 10)
    ]
    assert bits(net) == bits(trained([]))


def test_a_training_that_fails_says_so(tmp_path: Path) -> None:
    class Failing(pl.Callback):  # type: ignore[misc]
        def on_train_batch_start(self, *_: Any) -> None:
            raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        trained([LightningCallback(tmp_path / "run"), Failing()])
    (ended,) = payloads(tmp_path / "run", RunEnded)
    assert (ended.outcome, ended.error) == ("failed", "RuntimeError('on purpose')")


class Encoder(Net):
    """Its three outputs are no classes, though its data have ten labels."""

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        return self(batch[0]).square().mean()  # type: ignore[no-any-return]

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
        self.log("val_loss", self(batch[0]).square().mean())


def test_labels_of_what_is_no_classifier_are_not_taken_for_classes(tmp_path: Path) -> None:
    train, val = data()
    ten = DataLoader(TensorDataset(val.tensors[0], torch.arange(40) % 10), batch_size=40)
    with Telemetry(out=tmp_path / "run", config="diagnostic") as telemetry:
        quiet = {"enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
        trainer = pl.Trainer(
            callbacks=[LightningCallback(telemetry)], accelerator="cpu", max_epochs=2, logger=False, **quiet
        )
        trainer.fit(Encoder(), DataLoader(train, batch_size=BATCH), ten)
        assert not telemetry.state().faults


def test_the_loss_of_the_probes_leaves_out_labels_that_are_no_class() -> None:
    logits, labels = torch.randn(5, 3), torch.tensor([0, 2, 9, -1, -100])
    assert torch.equal(_known(logits, labels), cross_entropy(logits[:2], labels[:2]))


def test_a_logger_alone_goes_on_in_its_run_and_its_version_opens_none(tmp_path: Path) -> None:
    class Bare(Net):
        def __init__(self) -> None:
            super().__init__()
            self._log_hyperparams = False

        def test_step(self, batch: tuple[Tensor, Tensor]) -> None:
            self.log("test_loss", cross_entropy(self(batch[0]), batch[1]))

    logger = LightningLogger(tmp_path / "run")
    version = logger.version
    assert not (tmp_path / "run").exists()
    quiet = {"enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    trainer = pl.Trainer(logger=logger, accelerator="cpu", max_epochs=1, **quiet)
    train, val = (DataLoader(part, batch_size=BATCH) for part in data())
    net = Bare()
    trainer.fit(net, train)
    trainer.test(net, val, verbose=False)
    assert "test_loss" in payloads(tmp_path / "run", ScalarsLogged)[-1].values
    assert logger.version == version == events(tmp_path / "run")[0].scope.run


def test_layers_without_a_shape_are_no_fault(tmp_path: Path) -> None:
    net = Net()
    net.net[0] = nn.LazyLinear(16)
    told = LightningCallback(tmp_path / "run")
    # Lightning itself trains such a network only once it has seen a batch.
    trainer = pl.Trainer(accelerator="cpu", logger=False)
    told.setup(trainer, net, "fit")
    told.on_fit_start(trainer, net)
    told.on_fit_end(trainer, net)
    assert payloads(tmp_path / "run", EpisodeStarted)[0].host_params == 32 + 16 * 3 + 3


def test_what_cannot_be_told_of_a_module_is_a_fault_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nissa.integrations.supervised.parameters_of", lambda _: 1 / 0)
    with Telemetry(out=tmp_path / "run") as telemetry:
        trained([LightningCallback(telemetry)], max_epochs=1)
        assert telemetry.state().faults == {"integration": 1}


def test_parts_of_steps_that_are_not_seen_do_not_pile_up(tmp_path: Path) -> None:
    class Manual(Net):
        def __init__(self) -> None:
            super().__init__()
            self.automatic_optimization = False

        def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
            optimizer = self.optimizers(use_pl_optimizer=False)
            optimizer.zero_grad()
            loss = cross_entropy(self(batch[0]), batch[1])
            self.manual_backward(loss)
            optimizer.step()
            return loss

    class Looking(pl.Callback):  # type: ignore[misc]
        def on_train_end(self, *_: Any) -> None:
            left.append(len(told._training._micro))  # type: ignore[union-attr]

    told, left = LightningCallback(tmp_path / "run"), list[int]()
    trained([told, Looking()], net=Manual(), gradient_clip_val=None, max_epochs=2)
    assert left == [0]


def test_of_one_validated_batch_the_size_of_the_set_is_not_told(tmp_path: Path) -> None:
    trained([LightningCallback(tmp_path / "run")], limit_val_batches=1, max_epochs=1)
    assert payloads(tmp_path / "run", EpochCompleted)[0].n_val is None


def test_a_trainer_that_logs_no_steps_is_no_fault(tmp_path: Path) -> None:
    with Telemetry(out=tmp_path / "run") as telemetry:
        trained([LightningCallback(telemetry)], log_every_n_steps=0, max_epochs=1)
        assert not telemetry.state().faults
