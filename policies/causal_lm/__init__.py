"""The policy and the critic as one causal language model (the paper's form): a view as a prompt, an action as its answer."""
