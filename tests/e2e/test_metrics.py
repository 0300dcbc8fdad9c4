"""test_metrics.py - what machines read of a pair: /metrics and /healthz, and what Debian's prometheus makes of it."""
import contextlib
import json
import re
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from lab import NODES, REPO, LabError, other, wait_until

METRICS = REPO / "ha" / "metrics"
PORT, PROMETHEUS_PORT = 7080, 9090


def get(url):
    """Status and body."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def ask(lab, node, path):
    return get(f"http://{lab.address[node]}:{PORT}{path}")


class Prometheus:
    """Debian's, on the client's host, with the example's configuration and rules, in haste."""

    def __init__(self, lab, folder):
        self.url = f"http://{lab.address['c']}:{PROMETHEUS_PORT}"
        config = (METRICS / "prometheus.yml").read_text()
        for example, node in (("10.0.0.11:7080", "a"), ("10.0.0.12:7080", "b")):
            assert example in config
            config = config.replace(example, self.instance(lab, node))
        Path(folder, "prometheus.yml").write_text(config.replace("15s", "500ms"))
        Path(folder, "rules.yml").write_text(re.sub(r"\bfor: \w+", "for: 1s", (METRICS / "rules.yml").read_text()))
        self.log = Path(folder, "log")
        with open(self.log, "wb") as log:
            self.process = lab.popen("prometheus", f"--config.file={folder}/prometheus.yml",
                                     f"--storage.tsdb.path={folder}/data", f"--web.listen-address={self.url[7:]}",
                                     stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    @staticmethod
    def instance(lab, node):
        return f"{lab.address[node]}:{PORT}"

    def ready(self):
        if self.process.poll() is not None:
            raise LabError(f"prometheus ended: {self.log.read_text()[-1500:]}")
        with contextlib.suppress(OSError):
            return get(f"{self.url}/-/ready")[0] == 200

    def query(self, expression):
        """The labels of what it finds, with the value."""
        status, body = get(f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}")
        assert status == 200, f"{expression}: {body}"
        return [(found["metric"], float(found["value"][1])) for found in json.loads(body)["data"]["result"]]

    def firing(self, alert):
        """Where."""
        found = self.query(f'ALERTS{{alertname="{alert}",alertstate="firing"}}')
        return {labels["instance"] for labels, _ in found}

    def end(self):
        self.process.terminate()
        self.process.wait(30)


@contextlib.contextmanager
def prometheus_of(lab):
    with tempfile.TemporaryDirectory(prefix="regpair-prometheus-") as folder:
        prometheus = Prometheus(lab, folder)
        try:
            wait_until(prometheus.ready, 60, "prometheus is ready", every=0.1)
            yield prometheus
        finally:
            prometheus.end()


def test_the_example_rules_say_what_they_should():
    for words in (["check", "config", METRICS / "prometheus.yml"], ["check", "rules", METRICS / "rules.yml"],
                  ["test", "rules", REPO / "tests" / "metrics" / "rules_test.yml"]):
        done = subprocess.run(["promtool", *words], text=True, capture_output=True, timeout=60, check=False)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def expressions():
    """All that the dashboard draws."""
    board = json.loads((METRICS / "dashboard.json").read_text())
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"]
    for annotation in board["annotations"]["list"]:
        yield annotation["expr"]


def plain(expression):
    """As Grafana would ask, with all jobs and pairs chosen."""
    for variable, value in (("$job", ".*"), ("$pair", ".*"), ("$__rate_interval", "1m")):
        expression = expression.replace(variable, value)
    return expression


def test_every_node_prints_what_the_rules_and_the_dashboard_read(lab):
    wanted = set(re.findall(r"\bregpair_\w+", " ".join([*expressions(), (METRICS / "rules.yml").read_text()])))
    assert len(wanted) > 30, wanted
    for node in NODES:
        status, text = ask(lab, node, "/metrics")
        assert status == 200, text
        printed = set(re.findall(r"^# TYPE (\w+) ", text, re.M))
        assert wanted <= printed, f"{node} does not print {wanted - printed}"
        checked = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True,
                                 timeout=60, check=False)
        assert checked.returncode != 1, checked.stderr  # 3: a matter of style


def test_health_follows_the_role(lab):
    """A yes or a no for a load balancer, before and after a switchover."""
    for _ in range(2):
        active = lab.active()
        standby = other(active)
        wait_until(lambda: ask(lab, standby, "/healthz") == (200, "standby paired\n"), 30, "the standby is well",
                   every=0.1)
        assert ask(lab, active, "/healthz") == (200, "active paired\n")
        assert [ask(lab, node, "/healthz?role=active")[0] for node in (active, standby)] == [200, 503]
        assert [ask(lab, node, "/healthz?role=standby")[0] for node in (active, standby)] == [503, 200]
        lab.switchover()
        lab.heal()
    active = lab.active()
    lab.stop_daemon(other(active))
    wait_until(lambda: ask(lab, active, "/healthz") == (200, "active exposed\n"), 10, "it serves alone", every=0.1)


def test_prometheus_tells_of_a_standby_that_is_stopped(lab):
    """X02"""
    lab.add_users(20)
    with prometheus_of(lab) as prometheus:
        active = lab.active()
        standby = other(active)
        here, there = (prometheus.instance(lab, node) for node in (active, standby))
        wait_until(lambda: len(prometheus.query("up == 1")) == 2, 30, "both nodes are scraped", every=0.2)
        wait_until(lambda: not prometheus.firing("RegpairExposed"), 30, "the pair is well", every=0.2)
        assert prometheus.query('regpair_role{role="active"} == 1')[0][0]["instance"] == here
        before = prometheus.query(f'regpair_registered_total{{instance="{here}"}}')[0][1]
        lab.regload("--users", 20)
        wait_until(lambda: prometheus.query(f'regpair_registered_total{{instance="{here}"}}')[0][1] == before + 20,
                   30, "20 REGISTERs are counted", every=0.2)
        lab.stop_daemon(standby)
        wait_until(lambda: prometheus.firing("RegpairExposed") == {here}, 60, "RegpairExposed fires", every=0.2)
        wait_until(lambda: prometheus.firing("RegpairNodeDown") == {there}, 60, "RegpairNodeDown fires", every=0.2)
        assert not prometheus.query('ALERTS{alertname=~"RegpairNoActive|RegpairTwoActive"}')
        for expression in expressions():
            prometheus.query(plain(expression))
        lab.heal()
        for alert in ("RegpairExposed", "RegpairNodeDown"):
            wait_until(lambda: not prometheus.firing(alert), 60, f"{alert} is over", every=0.2)
