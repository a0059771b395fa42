"""ansible-runner: playbooks as hooks round a wave."""
