"""What the documents say is true: commands, examples, links, and the page of stages."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli import modisp, well
from conftest import ROOT

from modisp.recipe import Recipe
from modisp.simulate.files import simulate_file

README = (ROOT / "README.md").read_text("utf-8")
EXAMPLE = (ROOT / "docs" / "add-a-stage.md").read_text("utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def marked(name: str) -> str:
    found = re.search(rf"^<!-- {name} -->\n```sh\n(.*?)```", README, re.M | re.S)
    assert found, f"the README marks no command as {name}"
    return found[1]


# --- the two commands ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["picture", "tests"])
def test_each_of_the_two_commands_is_one_line_with_a_form_for_windows(name: str) -> None:
    command = marked(name)
    assert command.count("\n") == 1
    windows = command.replace("python3 ", "py ").replace(".venv/bin/", ".venv\\Scripts\\").replace("'.[dev]'", ".[dev]")
    windows = re.sub(r"assets/samples/(\S+)", r"assets\\samples\\\1", windows).replace("out/", "out\\")
    assert windows in blocks(README, "bat")


def test_the_command_names_a_sample_and_the_text_its_picture() -> None:
    found = re.search(r"develop (assets/samples/(\w+)\.dng) -o out/", marked("picture"))
    assert found and (ROOT / found[1]).is_file() and f"`out/{found[2]}.jpg`" in README


@pytest.mark.skipif(sys.platform == "win32", reason="the checks run in a Unix shell")
@pytest.mark.parametrize("name", ["picture", "tests"])
def test_the_checks_run_the_commands_of_the_readme(name: str) -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    function = re.search(r"^readme\(\) \{.*?^\}", script, re.M | re.S)
    assert function and f'"$(readme {name})"' in script and "pytest" not in script and "pip install" not in script
    done = subprocess.run(
        ["bash", "-c", f"{function[0]}\nreadme {name}"], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.strip() == marked(name).strip()


# --- pages ------------------------------------------------------------------------------------------------------------------------


def test_the_page_of_stages_is_up_to_date() -> None:
    # in a process of its own: other tests define stages, which this one would list
    command = [sys.executable, "-m", "modisp", "stages", "--markdown"]
    page = subprocess.run(command, capture_output=True, encoding="utf-8", check=True, timeout=600).stdout
    assert (ROOT / "docs" / "stages.md").read_text("utf-8") == page, "run: modisp stages --markdown > docs/stages.md"


@pytest.mark.parametrize(
    "page", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").rglob("*.md")), ids=lambda p: p.name
)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S)
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        assert link.startswith("https://") or (page.parent / link).exists(), link


@pytest.mark.parametrize("page", ["README.md", "docs/add-a-stage.md", "CONTRIBUTING.md"])
def test_commands_and_options_that_are_named_exist(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    lines = re.findall(r"`modisp ([^`]+)`", text) + re.findall(r"^modisp (.+)$", text, re.M)
    for line in lines:
        command, *words = line.split("#")[0].split()
        if command in ("COMMAND", "--help"):
            continue
        for option in (w for w in words if w.startswith("-") and w != "--help"):
            assert option in well(command, "--help").out, f"{command} {option}"


# --- code -------------------------------------------------------------------------------------------------------------------------


def test_the_lines_of_python_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [code] = [b for b in blocks(README, "python") if "open_image" in b]
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    sample = re.search(r"assets/samples/\w+\.dng", code)
    assert sample
    (tmp_path / "assets" / "samples").mkdir(parents=True)
    (tmp_path / sample[0]).write_bytes((ROOT / sample[0]).read_bytes())
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(code, names)
    assert (tmp_path / "picture.jpg").is_file() and len(names["steps"]) >= 10  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("raw") / "chart.dng"
    simulate_file("colorchecker", path, size=(60, 90))
    return path


def _examples() -> dict[str, str]:
    found = {}
    for text in (README, EXAMPLE):
        for code in blocks(text, "python"):
            if "(Stage, " in code:
                name = re.search(r"(\w+)\.py", text)
                assert name
                found[name[1]] = code
    return found


def test_the_pipeline_that_is_drawn_is_the_one_that_runs() -> None:
    drawn = set(re.findall(r"[a-z_]+", README.split("## The pipeline")[1].split("```")[1]))
    there = {slot for e in Recipe.default().entries for slot in e.slot.split()}
    assert drawn - {"white", "balance", "color", "correct"} == there - {"white_balance", "color_correct"}


@pytest.mark.parametrize("name", ["vignette", "demosaic_near"])
def test_the_stages_of_the_documents_keep_the_laws_and_work(name: str, raw: Path, tmp_path: Path) -> None:
    code = _examples()[name]
    assert len(code.splitlines()) <= 45
    file = tmp_path / f"{name}.py"
    file.write_text(code, "utf-8")
    assert "keeps all laws" in well("check", file).out
    assert name in well("stages", name, "--plugin", file).out
    slot, setting = {"vignette": ("look", "amount=0.5"), "demosaic_near": ("demosaic", "corner=0.3")}[name]
    options = ["--plugin", file, "--use", f"{slot}={name}", "--set", f"{slot}.{setting}"]
    well("develop", raw, "-o", tmp_path / "with.png", *options)
    well("develop", raw, "-o", tmp_path / "without.png")
    assert (tmp_path / "with.png").read_bytes() != (tmp_path / "without.png").read_bytes()
    well("run", name, *_input(slot, raw, tmp_path), setting, "--plugin", file)


def _input(slot: str, raw: Path, folder: Path) -> tuple[Path, Path]:
    if slot == "demosaic":
        return raw, folder / "camera.dng"
    well("develop", raw, "-o", folder / "display.tif", "--until", "tone")
    return folder / "display.tif", folder / "out.tif"


def test_a_plug_in_folder_is_found(raw: Path, tmp_path: Path) -> None:
    folder = tmp_path / "home" / "plugins"
    folder.mkdir(parents=True)
    (folder / "demosaic_near.py").write_text(_examples()["demosaic_near"], "utf-8")
    (folder / "broken.py").write_text("import nothing_of_this_name", "utf-8")
    code = "import os, sys; os.environ['MODISP_HOME'] = sys.argv[1]; from modisp.cli import main; main(['stages', '--json'])"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "home")], capture_output=True, text=True, check=True
    )
    assert '"demosaic_near"' in done.stdout
    assert "broken.py cannot be used" in done.stderr and "Traceback" not in done.stderr


def test_a_broken_stage_is_refused_with_the_law_that_it_breaks(tmp_path: Path) -> None:
    file = tmp_path / "wrong.py"
    code = _examples()["vignette"].replace("image.pixels * (1", "image.pixels.mul_(1")
    file.write_text(code, "utf-8")
    done = modisp("check", file)
    assert done.code == 1 and "wrong: it is pure: the input is unchanged" in done.err
    file.write_text("this is no Python", "utf-8")
    done = modisp("check", file)
    assert done.code == 1 and "wrong.py could not be loaded: SyntaxError" in done.err
    assert modisp("check", "no.such.module:Stage").code == 1 and modisp("check", "nothing").code == 2


def test_a_stage_that_ends_the_process_is_broken_and_ends_nothing(tmp_path: Path) -> None:
    file = tmp_path / "leaves.py"
    file.write_text("import sys\nsys.exit(0)\n", "utf-8")
    done = modisp("check", file)
    assert done.code == 1 and "leaves.py could not be loaded: SystemExit" in done.err
    code = _examples()["vignette"].replace(
        "        if not self.amount:", "        raise SystemExit\n        if not self.amount:"
    )
    file.write_text(code, "utf-8")
    done = modisp("check", file)
    assert done.code == 1 and "leaves: it is pure" in done.err


@pytest.mark.parametrize(
    "body, words",
    [
        ("return {}['x']", "the stage faulty failed: KeyError: 'x'"),
        ("raise SystemExit", "the stage faulty failed: SystemExit"),
        ("return None", "the stage faulty is to give pixels of shape (3, "),
        ("return image.pixels[:1]", "the stage faulty is to give pixels of shape (3, "),
    ],
)
def test_a_stage_that_fails_at_work_is_named(raw: Path, tmp_path: Path, body: str, words: str) -> None:
    file, out = tmp_path / "faulty.py", tmp_path / "out.jpg"
    file.write_text(_examples()["vignette"].replace("return image.pixels * (1", f"{body}  # * (1"), "utf-8")
    done = modisp("develop", raw, "-o", out, "--plugin", file, "--use", "look=faulty", "--set", "look.amount=0.5")
    assert done.code == 1 and words in done.err and len(done.err.strip().splitlines()) == 1, done.err
    assert not out.exists()
