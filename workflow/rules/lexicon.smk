# Related words. Requires: token tables, pronunciations. Makes: <results>/{word_map,word_groups}/
# 1. build_word_map     synonyms, near and true homophones, words of one category
# 2. build_word_groups  groups alike in meaning and not in sound, the other way round, or crossed


rule build_word_map:
    input:
        tokens="<results>/corpora/{corpus}/tokens.parquet",
        files=PLAN.word_map_files,
        code=PLAN.code("build_word_map"),
    output:
        word_map=ensure("<results>/word_map/{corpus}.parquet", non_empty=True),
        report="<results>/word_map/{corpus}-report.parquet",
    log:
        "<logs>/build_word_map/{corpus}.log",
    benchmark:
        "<benchmarks>/build_word_map/{corpus}.jsonl"
    conda:
        "../../envs/extraction.yaml"
    threads: 2
    resources:
        mem_mb=resources.grow(2000),
        runtime=resources.grow(30),
    params:
        options=PLAN.word_map_options,
    message:
        "Find the related words of {wildcards.corpus}"
    shell:
        "python -m groundscope.commands.build_word_map"
        " --corpus {wildcards.corpus}"
        " --options {params.options:q}"
        " --tokens {input.tokens:q}"
        " --output {output.word_map:q}"
        " --report {output.report:q}"
        " --workers {threads}"
        " &> {log:q}"


rule build_word_groups:
    input:
        tokens=PLAN.group_tokens,
        vectors=PLAN.group_vectors,
        files=PLAN.group_files,
        code=PLAN.code("build_word_groups"),
    output:
        groups="<results>/word_groups/{groups}.csv",
        statistics="<results>/word_groups/{groups}-statistics.parquet",
    log:
        "<logs>/build_word_groups/{groups}.log",
    benchmark:
        "<benchmarks>/build_word_groups/{groups}.jsonl"
    conda:
        "../../envs/extraction.yaml"
    threads: 2
    resources:
        mem_mb=resources.grow(4000),
        runtime=resources.grow(60),
    params:
        options=PLAN.group_options,
    message:
        "Build word groups {wildcards.groups}"
    shell:
        "python -m groundscope.commands.build_word_groups"
        " --options {params.options:q}"
        " --tokens {input.tokens:q}"
        " --vectors {input.vectors:q}"
        " --output {output.groups:q}"
        " --statistics {output.statistics:q}"
        " --workers {threads}"
        " &> {log:q}"
