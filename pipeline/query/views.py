"""The views with names of the field: what each row is, and how it is made of the tables of kinds.

Fields are taken over from the kinds by name, so that a new one appears by itself. Whatever is joined is joined by its
place: where a group or an environment is not told, NULL is one of its own.
"""

from typing import NamedTuple

from nissa.events.vocabulary import ALERT_OVER, SEVERITIES
from nissa.pipeline.query.columns import names_of

__all__ = ["DEFINED", "VIEWS", "View", "quoted"]


class View(NamedTuple):
    """A view of the tables of kinds, and of other views."""

    name: str
    row: str
    """What a row is."""
    sql: str


def quoted(name: str) -> str:
    """A name as SQL takes any.

    >>> quoted("group")
    '"group"'
    """
    return '"' + name.replace('"', '""') + '"'


DEFINED: dict[str, tuple[str, str]] = {
    "path": ("", "The run, as it was named in the question."),
    "run": ("", "Name of the run."),
    "group": ("", 'Arm of a comparison (A/B). In SQL it stands in double quotes: "group".'),
    "env": ("", "Environment: a number or a name, as text."),
    "episode": ("", "Episode of this environment, from 0."),
    "epoch": ("", "Host epoch inside the episode, from 1; 0 is the host before its first epoch."),
    "seq": ("", "Number of the event in its run; of a derived one, that of its cause."),
    "ordinal": ("", "0 of an emitted event; n of the n-th that was derived from the same cause."),
    "time": ("seconds", "Since 1970, UTC."),
    "position": ("", "Number of the event in its log, from 0, whatever it was called there."),
    "extra": ("", "JSON: fields of the line that no column is for."),
    "kind": ("", "Kind of the events."),
    "data": ("", "JSON: the payload."),
    "runs.events": ("count", "Events that were told, those that are derived left out."),
    "events": ("count", "How many there are."),
    "first_time": ("seconds", "Of the first of them, since 1970, UTC."),
    "last_time": ("seconds", "Of the last of them, since 1970, UTC."),
    "last_position": ("", "Of the last of them."),
    "started_at": ("seconds", "When, since 1970, UTC."),
    "ended_at": ("seconds", "When, since 1970, UTC; NULL where its end was not told."),
    "resumed": ("count", "Times that another process went on with it."),
    "kept_training_delta": ("percentage points", "Accuracy of the kept network minus the twin's at the same epoch."),
    "final_training_delta": (
        "percentage points",
        "Accuracy of the network as trained minus the twin's at the same epoch.",
    ),
    "twin_val_accuracy": ("percent", "Validation accuracy of the host-only twin after as many epochs."),
    "twin_val_loss": ("nats", "Validation loss of the host-only twin after as many epochs."),
    "fate": ("", '"fossilized" or "culled"; NULL where its end was not told.'),
    "germinated_epoch": ("", "Epoch before which it germinated; NULL where that was not told."),
    "ended_epoch": ("", "Epoch in which it ended."),
    "cull_drop": ("percentage points", "Accuracy right before its cull minus right after."),
    "seeds.cut_off": ("", "Whether the end of the episode culled it, and nobody's judgement."),
    "failed": ("", "Names of the checks that failed."),
    "op": ("", "What was decided."),
    "blend": ("", "Curve of the blending."),
    "heuristic_op": ("", "What the heuristic would have done; NULL where it was not asked."),
    "advantage": ("reward", "Advantage of the decision (GAE, before normalization)."),
    "return": ("reward", "Target of the critic for the decision."),
    "state": ("", '"stands", "over", or "open at the end" of what it was raised in.'),
    "ended": ("", "Clause of its end; NULL while it stands."),
    "number": ("", "Its number in `nissa trace RUN N`."),
    "traces.batches_before": ("count", "Batches up to what opened it."),
    "traces.batches_after": ("count", "Batches after that."),
    "severity": ("", '"info", "warning" or "critical": the worst of its alerts.'),
    "what": ("", "One line for a person, of the alert that opened it."),
    "cause": ("", "What was done right before, and may be why; NULL where nothing was."),
    "scalars.name": ("", "Its name."),
    "scalars.value": ("none", "In the unit that the trainer has it in."),
    "seeds_on": ("", "Slots whose seeds were switched on."),
    "n_on": ("count", "How many those are."),
    "against_all": ("percentage points", "Validation accuracy minus that with all seeds on."),
}
"""Unit and meaning of columns that are no field of a kind; as `view.column` where it means something else there."""

_PLACE = ("path", "run", "group", "env", "episode")
_SEVERITIES = [*SEVERITIES]
_END = ", ".join(f"'{clause}'" for clause in ALERT_OVER)


def _list(alias: str, names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(f"{alias}.{quoted(name)}" for name in names)


def _fields(alias: str, kind: str, *without: str) -> str:
    """The fields of a kind, but for those whose names are taken."""
    return _list(alias, [name for name in names_of(kind) if name not in (*_PLACE, "epoch", *without)])


def _same(left: str, right: str, names: tuple[str, ...] = _PLACE) -> str:
    return " and ".join(f"{left}.{quoted(n)} is not distinct from {right}.{quoted(n)}" for n in names)


def _last(kind: str, *by: str) -> str:
    """The last event of a kind for each of these."""
    keys = ", ".join(map(quoted, by))
    return f"(from {kind} qualify row_number() over (partition by {keys} order by position desc, ordinal desc) = 1)"


def _at(alias: str) -> str:
    return _list(alias, (*_PLACE, "epoch"))


_WHERE_BOTH = ", ".join(f"coalesce(s.{quoted(name)}, e.{quoted(name)}) as {quoted(name)}" for name in _PLACE)
_ENDED = [*dict.fromkeys([*names_of("seed_fossilized"), *names_of("seed_culled")])]
_FATES = [name for name in _ENDED if name not in {"slot", "seed", "blueprint"}]

VIEWS = [
    View(
        "runs",
        "a run: how it was set up, and how it ended",
        f"""
        select k.path, k.run, {_fields("s", "run_started")}, s.time as started_at, k.events, k.resumed,
            {_fields("e", "run_ended")}, e.time as ended_at
        from (
            select path, run, sum(events)::bigint as events, max(last_position) as last_position,
                coalesce(sum(events) filter (kind = 'run_resumed'), 0)::bigint as resumed
            from told_counts group by all) k
        left join {_last("run_started", "path", "run")} s using (path, run)
        left join run_ended e on e.path = k.path and e.run = k.run and e.position = k.last_position
        order by k.path, s.time, k.run""",
    ),
    View(
        "episodes",
        "an episode: its context, what came of it, and the host-only twin",
        f"""
        select {_WHERE_BOTH}, {_fields("s", "episode_started")}, {_fields("e", "episode_ended")},
            {_fields("c", "episode_compared", *names_of("episode_ended"), "kept_growth_ratio")},
            e.kept_accuracy - c.twin_final_accuracy as kept_training_delta,
            e.final_accuracy - c.twin_final_accuracy as final_training_delta, s.time as started_at, e.time as ended_at
        from {_last("episode_started", *_PLACE)} s
        full join {_last("episode_ended", *_PLACE)} e on {_same("s", "e")}
        left join {_last("episode_compared", *_PLACE)} c on {_same("c", "e")}
        order by all""",
    ),
    View(
        "epochs",
        "an epoch of the host, and its twin after as many",
        f"""
        select {_at("c")}, {_fields("c", "epoch_completed")},
            t.val_accuracy as twin_val_accuracy, t.val_loss as twin_val_loss, c.time
        from epoch_completed c
        left join {_last("host_baseline_epoch", "path", "run", "group", "env", "epoch")} t
            on {_same("c", "t", ("path", "run", "group", "env", "epoch"))}
        order by c.path, c.position""",
    ),
    View(
        "batches",
        "a training step of the host",
        f"select {_at('b')}, {_fields('b', 'batch_completed')}, b.time from batch_completed b",
    ),
    View(
        "scalars",
        "a value that the trainer logged by name",
        f"""
        select {_at("s")}, unnest(map_keys(s."values")) as name, s.step, unnest(map_values(s."values")) as value, s.time
        from scalars_logged s order by s.path, s.position""",
    ),
    View(
        "slots",
        "a slot of the host after an epoch",
        f"select {_at('c')}, s.*, c.time from epoch_completed c, unnest(c.slots) as u(s)",
    ),
    View(
        "seeds",
        "a seed: where it germinated, and what became of it",
        f"""
        with turns as (
            select *, 'germinated' as turn from seed_germinated
            union all by name select *, 'fossilized' as turn from seed_fossilized
            union all by name select *, 'culled' as turn from seed_culled),
        lives as (
            select t as this, lead(t) over slots as next, lag(t) over slots as last from turns t
            window slots as (partition by {", ".join(map(quoted, _PLACE))}, slot order by position, ordinal)),
        ends as (
            select this, next, last, (this.turn = 'germinated') as born,
                next.turn <> 'germinated' and coalesce(next.seed = this.seed, true) as met,
                last.turn = 'germinated' and coalesce(last.seed = this.seed, true) as known
            from lives),
        pairs as (
            select case when born then this end as s, case when not born then this when met then next end as e
            from ends where born or not coalesce(known, false))
        select {_WHERE_BOTH}, coalesce(s.slot, e.slot) as slot, coalesce(s.seed, e.seed) as seed,
            coalesce(s.blueprint, e.blueprint) as blueprint,
            {_fields("s", "seed_germinated", "slot", "seed", "blueprint")},
            nullif(e.turn, 'germinated') as fate, s.epoch as germinated_epoch, e.epoch as ended_epoch,
            {_list("e", _FATES)}, e.accuracy_before - e.accuracy_after as cull_drop,
            e.initiator = 'episode_end' as cut_off, s.time as started_at, e.time as ended_at
        from pairs order by 1, coalesce(s.position, e.position)""",
    ),
    View(
        "gates",
        "a gate that was asked, with its checks",
        f"""
        select {_at("g")}, {_fields("g", "gate_evaluated")},
            [x.name for x in g.checks if not x.passed] as failed, g.time
        from gate_evaluated g""",
    ),
    View(
        "decisions",
        "a decision: what was done, what the heuristic would have done, what it earned",
        f"""
        select {_at("d")}, d.action.op as op, d.action.slot as slot, d.action.blueprint as blueprint,
            d.action.blend as blend, d.heuristic.op as heuristic_op,
            {_fields("d", "decision_made", "action", "heuristic")}, v.advantage, v."return", d.heuristic, d.time
        from decision_made d
        left join (
            select path, run, "group", env, episode, unnest(epochs) as epoch, unnest(advantages) as advantage,
                unnest(returns) as "return"
            from {_last("decisions_scored", *_PLACE)}) v on {_same("d", "v", (*_PLACE, "epoch"))}
        order by d.path, d.position""",
    ),
    View(
        "updates",
        "an update of the policy",
        f"select {_at('p')}, {_fields('p', 'policy_updated')}, p.time from policy_updated p",
    ),
    View(
        "alerts",
        "an alert or a mark, and its end",
        f"""
        with turns as (
            select *, true as begins, null as ended, null as stood, null as ended_at from alert_raised
            union all by name
            select * replace (null as clause), false as begins, clause as ended, observations as stood,
                time as ended_at from alert_resolved),
        lives as (
            select *, lead(t) over w as next from turns t
            window w as (partition by path, run, "group", env, alert, subject, severity order by position, ordinal))
        select {_at("a")}, {_fields("a", "alert_raised")},
            case when next.begins is not false then 'stands' when next.ended in ({_END}) then 'over'
                else 'open at the end' end as state,
            next.ended as ended, next.stood as observations, a.time, next.ended_at as ended_at
        from lives a where begins order by a.path, position, ordinal""",
    ),
    View(
        "traces",
        "a trace around alerts or marks; `dense_trace_captured` has its batches",
        f"""
        select {_list("t", _PLACE)}, row_number() over (partition by path order by position, ordinal) as number,
            {_SEVERITIES}[list_max([array_position({_SEVERITIES}, x.severity) for x in t.alerts])] as severity,
            reasons, first_epoch, last_epoch,
            len(t.batches_before) as batches_before, len(t.batches_after) as batches_after,
            t.alerts[1].what as what, t.causes[1].what as cause, closed, t.time
        from dense_trace_captured t order by t.path, number""",
    ),
    View(
        "counterfactuals",
        "a configuration of seeds that was measured: which were on, and what the network does so",
        f"""
        select {_at("c")}, strategy, n_val, [s for s, i in c.slots if r.config[i]] as seeds_on,
            len(seeds_on) as n_on, r.*, r.val_accuracy - max(r.val_accuracy)
                filter (len(seeds_on) = len(c.slots)) over (partition by path, position) as against_all, c.time
        from counterfactual_measured c, unnest(c.results) as u(r) order by c.path, c.position, r.config""",
    ),
    View(
        "attribution",
        "a seed's share in the accuracy of its network, by one measurement",
        f"""
        select {_at("a")}, s.*, {_fields("a", "seeds_attributed", "seeds", "interactions")}, a.time
        from seeds_attributed a, unnest(a.seeds) as u(s)""",
    ),
    View(
        "blueprints",
        "a blueprint in a group, as it stood last",
        f"""
        select path, run, "group", {_fields("b", "blueprint_summarized")}
        from {_last("blueprint_summarized", "path", "run", "group", "blueprint")} b order by all""",
    ),
    View(
        "verdicts",
        "is growing winning in a group? As it stood last",
        f"""
        select path, run, "group", {_fields("v", "verdict_reached")}
        from {_last("verdict_reached", "path", "run", "group")} v order by all""",
    ),
    View(
        "kinds",
        "a kind of events in a run, and how many there are",
        "from told_counts union all by name from derived_counts order by path, run, events desc, kind",
    ),
]
"""What the field asks about."""
