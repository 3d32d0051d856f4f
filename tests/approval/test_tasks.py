"""An app of this site's choice runs in a cell; whatever else it tries ends clearly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from approval.flower import HONEST

if TYPE_CHECKING:
    from approval.flower import Trial

BROKE = "the app broke: {} at trial/client_app.py:"


def test_an_approved_app_trains_on_its_data_set_and_both_ends_are_in_the_account(
    desk: Trial,
) -> None:
    told = desk.run()
    assert told["reply"] == [[2.0, 2.0, 2.0]]
    began, ended = told["account"]
    assert (began["event"], ended["event"], ended["outcome"]) == ("began", "ended", "replied")
    assert (ended["dataset"], ended["dataset_version"], ended["permit"]) == ("lesions", 3, "P-1")
    assert (ended["started_by"], ended["samples"]) == ("ops@hub.example", 3)
    assert 0 < ended["bytes_in"] < 10_000
    assert 0 < ended["bytes_out"] < 10_000


@pytest.mark.parametrize(
    ("train", "why"),
    [
        ("socket.create_connection(('127.0.0.1', 22), 2)", BROKE.format("PermissionError")),
        ("socket.create_connection(('::1', 22), 2)", BROKE.format("PermissionError")),
        ("socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)", BROKE.format("PermissionError")),
        ("socket.getaddrinfo('hub.example', 443)", BROKE.format("gaierror")),
        ("open('/data/other/one.dcm')", BROKE.format("FileNotFoundError")),
        ("open('/etc/passwd')", BROKE.format("FileNotFoundError")),
        ("os.listdir('/proc')", BROKE.format("FileNotFoundError")),
        ("os.listdir('/root') and os.listdir('/home')", BROKE.format("FileNotFoundError")),
        ("(DATA / 'one.dcm').write_bytes(b'')", BROKE.format("OSError")),
        ("Path('/usr/bin/x').write_bytes(b'')", BROKE.format("OSError")),
        ("Path('/x').write_bytes(b'')", BROKE.format("OSError")),
        ("Path('/scratch/large').write_bytes(bytes(600 * 2**20))", BROKE.format("OSError")),
        ("raise ValueError('Quixotina^Dulcinea')", BROKE.format("ValueError")),
        ("os._exit(0)", "the app gave no answer that can be read"),
        ("os._exit(3)", "the app ended without an answer (status 3)"),
        ("x = bytearray(4 * 2**30)", BROKE.format("MemoryError")),
        ("x = bytearray(1100 * 2**20)\ntime.sleep(9)", "took more than the 1024 MiB"),
        ("return answer(message, [weights * np.nan])", "holds NaN or infinity"),
        ("return answer(message, [weights + np.inf])", "holds NaN or infinity"),
        ("return answer(message, [weights], {'loss': float('nan')})", "holds NaN or infinity"),
        ("return answer(message, [np.zeros(4)])", "other arrays or shapes than the model"),
        ("return answer(message, [weights, weights])", "other arrays or shapes than the model"),
        ("return answer(message, [weights.astype('S8')])", "something else than numbers"),
        (
            "return answer(message, [weights], more=ArrayRecord([np.zeros(2**18)]))",
            "bytes, and 1048576 may leave",
        ),
        (
            "return answer(message, [weights], image=ConfigRecord({'pixels': bytes(9)}))",
            "`image` holds bytes, which leave only where the spec has",
        ),
        (
            "a = ArrayRecord([weights])\na['0'].data = b'pickle'\nreturn sent(message, a)",
            "array `arrays/0` cannot be read",
        ),
        (
            "a = ArrayRecord([weights])\na['0'].shape = (5,)\nreturn sent(message, a)",
            "is not what it says it is",
        ),
    ],
)
def test_what_an_app_may_not_ends_clearly(desk: Trial, train: str, why: str) -> None:
    told = desk.run(train)
    assert why in told["refused"]
    assert "Quixotina" not in told["refused"]
    assert [line["event"] for line in told["account"]] == ["began", "ended"]
    assert told["account"][-1]["outcome"] == "failed"
    assert told["left"] == []


def test_an_endless_loop_is_ended(desk: Trial) -> None:
    told = desk.run("while True: pass", limits={"seconds": 3})
    assert told["refused"] == "the app took longer than 3 seconds and was ended"
    assert told["left"] == []


def test_a_fork_bomb_is_ended(desk: Trial) -> None:
    told = desk.run("while True: os.fork()", limits={"memory": 4 * 2**30})
    assert told["refused"] == "the app started more than 64 processes and was ended"
    assert told["left"] == []


def test_an_answer_without_an_end_is_ended(desk: Trial) -> None:
    told = desk.run(
        "for n in range(3, 60):\n"
        "    try:\n"
        "        while True: os.write(n, b'x' * 65536)\n"
        "    except OSError: pass"
    )
    assert "says more than the" in told["refused"]


def test_an_app_cannot_leave_its_namespaces_or_its_limits(desk: Trial) -> None:
    told = desk.run(
        "import ctypes, resource\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "gained = [libc.unshare(0x10000000), libc.mount(b'x', b'/scratch', b'tmpfs', 0, 0),\n"
        "          libc.ptrace(0, 0, 0, 0), libc.setns(0, 0)]\n"
        "try:\n"
        "    resource.setrlimit(resource.RLIMIT_NPROC, (9999, 9999))\n"
        "    gained.append(0)\n"
        "except (ValueError, PermissionError): gained.append(-1)\n"
        "return answer(message, [np.array(gained, dtype=float)[:3] + (sum(gained) + 5)])"
    )
    assert told["reply"] == [[-1.0, -1.0, -1.0]]


def test_scratch_is_empty_for_each_task(desk: Trial) -> None:
    write = f"assert os.listdir('.') == []\nPath('kept').write_text('x')\n{HONEST}"
    assert "reply" in desk.run(write)
    assert "reply" in desk.run(write)


def test_what_is_kept_between_messages_stays_on_the_node(desk: Trial) -> None:
    told = desk.run(f"context.state['seen'] = MetricRecord({{'rounds': 1}})\n{HONEST}")
    assert told["state"] == ["seen"]


def test_kinds_that_the_spec_does_not_name_do_not_leave(desk: Trial) -> None:
    told = desk.run(output={"types": ["json"]})
    assert told["refused"] == "`arrays` is numpy, which the spec does not let leave"


def test_bytes_leave_where_updates_are_added_up_unseen(desk: Trial) -> None:
    told = desk.run(
        "return answer(message, [weights], secagg=ConfigRecord({'share': bytes(9)}))",
        output={"secure_aggregation": True},
    )
    assert "reply" in told


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({"approved": False}, "this site has not approved the app sha256:"),
        ({"permit": {"expires": "2020-02-29"}}, "permit P-1 ended on 2020-02-29"),
        ({"permit": {"datasets": ["chests"]}}, "permit P-1 does not cover data set lesions"),
        ({"dataset": "gone"}, "the spec of this node declares no data set gone"),
        ({"mode": 0o666}, "is not root's alone to write; nothing on it counts"),
    ],
)
def test_what_is_not_approved_today_is_refused_before_any_of_it_is_read(
    desk: Trial, wish: dict[str, object], why: str
) -> None:
    told = desk.run(**wish)
    assert why in told["refused"]
    assert [line["event"] for line in told["account"]] == ["refused"]
