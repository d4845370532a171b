"""A plan with nothing to change: `inv plan`, in turns with `terraform plan` by itself on the same state."""

from __future__ import annotations

from collections.abc import Callable

from tests.bench import surroundings
from tests.bench.checkout import DEPLOY_S, Checkout
from tests.bench.figures import Figure, Goal, Samples
from tests.bench.programs import Ran

FOLDERS = {"dev": "development", "staging": "staging", "prod": "production"}


def of(short_name: str) -> Callable[[Checkout, Goal, int], Figure]:
    """The measure of one environment on the clone's cloud; it is applied before, untimed, where it is not yet."""

    def plan(checkout: Checkout, goal: Goal, repeat: int) -> Figure:
        checkout.ready()
        ours: list[Ran] = []
        theirs: list[Ran] = []
        words = (f"--env={short_name}", "--cloud=local")
        if checkout.inv("plan", "plan", *words, "--json").json["plan"]["changes"]:
            checkout.inv("apply", "apply", *words)
        terraform = _by_itself(checkout, short_name)
        for _ in range(repeat):
            ours.append(checkout.inv("plan", "plan", *words, "--json"))
            theirs.append(terraform())
        changes = ours[-1].json["plan"]["changes"]
        return Figure(
            f"plan of {FOLDERS[short_name]}",
            goal,
            Samples("inv plan", tuple(ran.seconds for ran in ours)),
            Samples("terraform plan", tuple(ran.seconds for ran in theirs)),
            doubts=(f"it would change {len(changes)} things",) if changes else (),
        )

    return plan


def _by_itself(checkout: Checkout, short_name: str) -> Callable[[], Ran]:
    """Terraform in the folder that the deployer has initialised; it ends with 0 only where it would change nothing."""
    cloud = checkout.cloud()
    data = checkout.path / ".cache" / "terraform" / str(cloud["name"]) / short_name / "data"
    tools = surroundings.of_script(surroundings.of_cloud(checkout.env, cloud["endpoint_url"]), checkout.path)
    programs = checkout.programs.with_env({**tools, "TF_DATA_DIR": str(data), "CHECKPOINT_DISABLE": "1"})
    variables = f"-var-file=environments/{FOLDERS[short_name]}/terraform.tfvars"
    argv = ["terraform", "-chdir=infrastructure/terraform", "plan", "-input=false", "-no-color", "-detailed-exitcode"]
    return lambda: programs.run("terraform-plan", [*argv, variables, "-var=cloud=local"], timeout_s=DEPLOY_S)
