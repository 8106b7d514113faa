"""`citybrain retain`: what is due goes, what is held stays, and the rest can still be proven."""
import datetime
import os
import subprocess

import psycopg
import pytest

import harness
from filled import N

FOUR_YEARS = "interval '4 years'"


def age(store, *sequences):
    """These occurred four years ago."""
    which = f"(SELECT id FROM violation WHERE sequence IN ({', '.join(map(str, sequences))}))"
    store.alter(f"UPDATE violation_id SET occurred_at = occurred_at - {FOUR_YEARS} WHERE id IN {which}",
                f"UPDATE violation SET occurred_at = occurred_at - {FOUR_YEARS} WHERE id IN {which}")


def retain(store, *more, db=None):
    done = harness.citybrain("retain", "--db", db or store.db, "--media", store.media, *more)
    return done.returncode, done.stdout, done.stderr


def files(store):
    return {p for p in store.media.glob("??/*")}


def sequences(store):
    return [row[0] for row in store.query("SELECT sequence FROM violation ORDER BY 1")]


def test_nothing_is_due(store):
    before = files(store)
    code, out, _ = retain(store)
    assert code == 0 and out.startswith("0 violations erased, 0 media files")
    assert files(store) == before and sequences(store) == list(range(1, N + 1))


def test_old_evidence_goes_and_the_chain_stays_provable(store):
    age(store, 1, 3)
    before = files(store)
    code, out, _ = retain(store, "--dry-run")
    assert code == 0 and out.startswith("dry run, would be: 2 violations erased")
    assert files(store) == before and sequences(store) == list(range(1, N + 1))
    code, out, _ = retain(store)
    assert code == 0 and out.startswith("2 violations erased"), out
    assert sequences(store) == [2, 4, 5, 6]
    kept = {store.media / s[:2] / s[2:] for (s,) in store.query("SELECT sha256 FROM evidence_media")}
    assert files(store) == kept and len(kept) < len(before)
    code, packages, records = store.verify()
    assert code == 0 and len(packages) == N - 2
    [chain] = [r for r in records if r["type"] == "chain"]
    assert (chain["first"], chain["last"], chain["whole"]) == (1, N, True)
    assert records[-1]["erased"] == 2
    assert store.query("SELECT count(*) FROM access_log WHERE action = 'erase'") == [(2,)]
    assert retain(store)[1].startswith("0 violations erased, 0 media files")


def test_erasing_is_no_cover_for_deleting(store):
    """A row that somebody deletes by hand is missed, with or without retention beside it."""
    age(store, 1)
    assert retain(store)[0] == 0
    store.alter("DELETE FROM violation WHERE id = %(id)s")
    code, packages, _ = store.verify()
    assert code == 1 and [f["kind"] for f in packages[store.ids[2]]["faults"]] == ["record"]


def test_legal_hold(store):
    age(store, 1, 2)
    held, other = [row[0] for row in store.query("SELECT id FROM violation WHERE sequence IN (1, 2)"
                                                 " ORDER BY sequence")]
    court = store.login("court", "citybrain_reviewer", "citybrain_all_districts")
    hold = "INSERT INTO legal_hold (violation_id, is_held, reason) VALUES (%s, %s, 'case 12')"
    with psycopg.connect(court, autocommit=True) as db:
        db.execute(hold, [held, True])
        assert retain(store)[1].startswith("1 violations erased")
        assert sequences(store) == [1, 3, 4, 5, 6]
        with pytest.raises(psycopg.errors.CheckViolation, match="was erased"):
            db.execute(hold, [other, True])
        db.execute(hold, [held, False])
    assert retain(store)[1].startswith("1 violations erased")
    assert sequences(store) == [3, 4, 5, 6]


def test_what_was_rejected_goes_sooner(store):
    which = "(SELECT id FROM violation WHERE sequence IN (1, 2))"
    store.alter(f"UPDATE violation_id SET occurred_at = occurred_at - interval '40 days' WHERE id IN {which}",
                f"UPDATE violation SET occurred_at = occurred_at - interval '40 days' WHERE id IN {which}")
    store.query(f"INSERT INTO review (violation_id, verdict, reason) SELECT id, 'rejected', 'a shadow'"
                f" FROM violation WHERE sequence = 1 RETURNING 1")
    assert retain(store)[1].startswith("1 violations erased")
    assert sequences(store) == [2, 3, 4, 5, 6]


def test_an_administrator_may_and_a_reviewer_may_not(store):
    age(store, 1)
    code, _, err = retain(store, db=store.login("r", "citybrain_reviewer", "citybrain_all_districts"))
    assert code == 1 and "permission denied" in err and sequences(store) == list(range(1, N + 1))
    # of no district: what it cannot see is still in use, and stays
    before = files(store)
    code, out, _ = retain(store, db=store.login("a", "citybrain_admin"))
    assert code == 0 and out.startswith("1 violations erased")
    assert 0 < len(files(store)) < len(before)
    assert store.verify()[0] == 0
    admin = store.login("b", "citybrain_admin")
    with psycopg.connect(admin, autocommit=True) as db:
        db.execute("UPDATE retention SET keep = '1 year' WHERE kind = 'speeding'")
    [(who,)] = store.query("SELECT changed_by FROM retention WHERE kind = 'speeding'")
    assert who == f"b_{store.name}"


def test_media_that_is_not_ours_or_fresh_stays(store):
    stray = store.media / "ab" / "notes.txt"
    stray.parent.mkdir(exist_ok=True)
    stray.write_text("not a hash")
    orphan = store.media / "ab" / ("c" * 62)
    orphan.write_bytes(b"nobody refers to it")
    fresh, old = store.media / "tmp/fresh", store.media / "tmp/old"
    for f in (fresh, old):
        f.write_bytes(b"x")
    two_days_ago = datetime.datetime.now().timestamp() - 2 * 86400
    os.utime(old, (two_days_ago, two_days_ago))
    code, out, _ = retain(store)
    assert code == 0 and "1 media files" in out and "1 left over" in out
    assert stray.exists() and fresh.exists() and not orphan.exists() and not old.exists()


def test_a_store_between_file_and_row_is_waited_for(store):
    """The sweep takes no file whose row is about to be committed."""
    orphan = store.media / "ab" / ("c" * 62)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"its row comes")
    with psycopg.connect(store.db) as writer:
        writer.execute("SELECT pg_advisory_xact_lock_shared(1667395181)")
        sweep = subprocess.Popen([harness.CITYBRAIN, "retain", "--db", store.db, "--media",
                                          store.media], stdout=subprocess.PIPE, text=True)
        harness.wait_for("a sweep that waits", lambda: store.query(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == [(1,)])
        writer.execute("INSERT INTO evidence_media SELECT violation_id, 'late.bin', role, media_type,"
                       " 13, %s FROM evidence_media LIMIT 1", ["ab" + "c" * 62])
    out, _ = sweep.communicate(timeout=60)
    assert "0 media files" in out and orphan.exists()


@pytest.mark.parametrize("words", [["--media", "/tmp"], ["--db", "x", "more"]])
def test_wrong_words(words):
    env = {k: v for k, v in os.environ.items() if k != "CITYBRAIN_DB"}
    done = harness.citybrain("retain", *words, env=env)
    assert done.returncode == 2 and "usage: citybrain retain" in done.stderr


def test_summary_in_words(store):
    age(store, 6)
    assert retain(store)[0] == 0
    done = harness.citybrain("verify", "--db", store.db, "--media", store.media)
    assert done.returncode == 0 and "1 erased by retention" in done.stdout, done.stdout
