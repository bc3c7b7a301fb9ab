# Word vectors. Requires: token tables, checkpoints. Makes: <results>/embeddings/{corpus}/{model}/
# extract_embeddings  one file a layer; one job a layer, or `layers_per_job` layers a job
# extract_block       the same for a block of a corpus with `extraction_blocks`, below <results>/blocks
# join_blocks         one file a layer from its blocks: the same file
#
# A job of several layers has the same shell command, params and inputs as a job of one, so that
# changing `layers_per_job` makes no layer stale where all are there; which layers is an execution
# matter. Where some of a job are missing, it makes all of its layers: what a rule makes is fixed.

for job in extraction.extraction_rules(STUDY):

    rule:
        name:
            job.name
        input:
            tokens="<results>/corpora/{corpus}/tokens.parquet",
            checkpoint=PLAN.model_manifest,
            code=PLAN.extraction_code,
        output:
            ensure(
                temp(job.outputs) if job.in_blocks else job.outputs,
                non_empty=True,
            ),
        log:
            job.log,
        benchmark:
            job.benchmark
        wildcard_constraints:
            model=job.models,
            corpus=job.corpora,
            block=r"[1-9]\d*",
            of=r"[1-9]\d*",
        conda:
            "../../envs/extraction.yaml"
        threads: 2
        resources:
            gpu=PLAN.gpus,
            mem_mb=resources.extraction_memory(job.layers),
            runtime=resources.extraction_time(job.blocks),
            batch_percent=resources.batch_percent,
            layers=job.layers,
            block=job.block,
        params:
            options=PLAN.model_options,
        message:
            "Extract layer(s) {resources.layers} of {wildcards.model} on {wildcards.corpus}"
        shell:
            "python -m groundscope.commands.extract_embeddings"
            " --corpus {wildcards.corpus}"
            " --model {wildcards.model}"
            " --tokens {input.tokens:q}"
            " --checkpoint {input.checkpoint:q}"
            " --options {params.options:q}"
            " --layers {resources.layers:q}"
            " --block {resources.block:q}"
            " --batch-percent {resources.batch_percent}"
            " --workers {threads}"
            " --output {output:q}"
            " &> {log:q}"


if STUDY["extraction_blocks"]:

    # all that decides the vectors stands here too: the blocks are gone when it changes
    rule join_blocks:
        input:
            tokens="<results>/corpora/{corpus}/tokens.parquet",
            checkpoint=PLAN.model_manifest,
            code=PLAN.joining_code,
            blocks=PLAN.blocks,
        output:
            ensure(
                extraction.embedding(STUDY, "{corpus}", "{model}", "{layer}"),
                non_empty=True,
            ),
        log:
            "<logs>/join_blocks/{corpus}/{model}/layer-{layer}.log",
        benchmark:
            "<benchmarks>/join_blocks/{corpus}/{model}/layer-{layer}.jsonl"
        wildcard_constraints:
            corpus=extraction.one_of(STUDY["extraction_blocks"]),
        conda:
            "../../envs/analysis.yaml"
        resources:
            mem_mb=resources.grow(2000),
            runtime=resources.grow(60),
        params:
            options=PLAN.model_options,
        message:
            "Join the blocks of layer {wildcards.layer} of {wildcards.model} on {wildcards.corpus}"
        shell:
            "python -m groundscope.commands.join_blocks"
            " --blocks {input.blocks:q}"
            " --output {output:q}"
            " &> {log:q}"


rule embeddings:
    input:
        PLAN.all_embeddings(),
