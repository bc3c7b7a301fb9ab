# Word vectors. Requires: token tables, checkpoints. Makes: <results>/embeddings/{corpus}/{model}/
# extract_embeddings  one file a layer; one job a layer, or `layers_per_job` layers a job
#
# A job of several layers has the same shell command, params and inputs as a job of one, so that
# changing `layers_per_job` makes no finished layer stale; which layers is an execution matter.

for job in PLAN.extraction_rules():

    rule:
        name:
            job.name
        input:
            tokens="<results>/corpora/{corpus}/tokens.parquet",
            checkpoint=PLAN.model_manifest,
            code=PLAN.extraction_code,
        output:
            ensure(job.outputs, non_empty=True),
        log:
            job.log,
        benchmark:
            job.benchmark
        wildcard_constraints:
            model=job.models,
        conda:
            "../../envs/extraction.yaml"
        threads: 2
        resources:
            gpu=PLAN.gpus,
            mem_mb=resources.grow(4000),
            runtime=resources.grow(60),
            # the same at every attempt: a job that is retried must give the same bits
            batch_percent=100,
            layers=job.layers,
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
            " --batch-percent {resources.batch_percent}"
            " --workers {threads}"
            " --output {output:q}"
            " &> {log:q}"


rule embeddings:
    input:
        PLAN.all_embeddings(),
