# Weights. Requires: network on the login node. Makes: <results>/checkpoints/{checkpoint}/*/manifest.json
# 1. fetch_checkpoint    pinned download, or the digest of local files
# 2. convert_checkpoint  released pickles and foreign formats -> safetensors
# list_layers            what layers each configured model has (a target by itself)


localrules:
    fetch_checkpoint,
    list_layers,


rule fetch_checkpoint:
    input:
        files=PLAN.checkpoint_files,
        code=PLAN.code("fetch_checkpoint"),
    output:
        manifest="<results>/checkpoints/{checkpoint}/fetched/manifest.json",
    log:
        "<logs>/fetch_checkpoint/{checkpoint}.log",
    benchmark:
        "<benchmarks>/fetch_checkpoint/{checkpoint}.jsonl"
    conda:
        "../../envs/extraction.yaml"
    params:
        options=PLAN.fetch_options,
    message:
        "Fetch checkpoint {wildcards.checkpoint}"
    shell:
        "python -m groundscope.commands.fetch_checkpoint"
        " --name {wildcards.checkpoint}"
        " --options {params.options:q}"
        " --output {output.manifest:q}"
        " &> {log:q}"


rule convert_checkpoint:
    input:
        fetched="<results>/checkpoints/{checkpoint}/fetched/manifest.json",
        parent=PLAN.parent_manifest,
        code=PLAN.code("convert_checkpoint"),
    output:
        manifest="<results>/checkpoints/{checkpoint}/converted/manifest.json",
    log:
        "<logs>/convert_checkpoint/{checkpoint}.log",
    benchmark:
        "<benchmarks>/convert_checkpoint/{checkpoint}.jsonl"
    conda:
        "../../envs/extraction.yaml"
    resources:
        mem_mb=resources.grow(4000),
        runtime=resources.grow(30),
    params:
        options=PLAN.convert_options,
    message:
        "Convert checkpoint {wildcards.checkpoint} to safetensors"
    shell:
        "python -m groundscope.commands.convert_checkpoint"
        " --manifest {input.fetched:q}"
        " --parent {input.parent:q}"
        " --options {params.options:q}"
        " --output {output.manifest:q}"
        " &> {log:q}"


rule list_layers:
    log:
        "<logs>/list_layers.log",
    conda:
        "../../envs/extraction.yaml"
    params:
        options=PLAN.listing_options(),
        results=STUDY["results"],
    shell:
        "python -m groundscope.commands.list_layers"
        " --options {params.options:q}"
        " --results {params.results:q}"
        " 2> {log:q}"
