"""What the documents say of the programs is what the programs say."""
import harness


def test_every_key_of_the_configuration_is_documented():
    text = (harness.ROOT / "docs" / "config.md").read_text()
    listed = harness.citybrain("check", "--keys").stdout
    missing = [line for line in listed.splitlines() if line.strip() and line not in text]
    assert not missing, "docs/config.md lacks what `citybrain check --keys` prints"


def test_the_example_configuration_is_in_order(tmp_path):
    text = (harness.ROOT / "docs" / "config.md").read_text()
    file = tmp_path / "city.yaml"
    file.write_text(text.split("```yaml\n")[1].split("```")[0])
    checked = harness.citybrain("check", "--config", str(file))
    assert checked.returncode == 0, checked.stderr
