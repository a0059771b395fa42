"""A rollout: admitted, conducted wave by wave, paused, stopped, resumed."""
