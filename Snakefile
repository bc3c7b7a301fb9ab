# groundscope: what grounding, or any training, does to an encoder, layer by layer. See README.md.
from snakemake.utils import min_version

min_version("9.20")

# another study, given with --configfile, replaces the default one instead of merging into it
if not workflow.overwrite_configfiles:

    configfile: "config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/checkpoints.smk"
include: "workflow/rules/corpora.smk"
include: "workflow/rules/extraction.smk"
include: "workflow/rules/lexicon.smk"
include: "workflow/rules/similarity.smk"
include: "workflow/rules/separability.smk"
include: "workflow/rules/contrasts.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/replication.smk"
include: "workflow/rules/figures.smk"


report: "workflow/report/workflow.rst"


localrules:
    all,
    embeddings,
    tables,
    figures,


rule all:
    default_target: True
    input:
        rules.tables.input,
        rules.figures.input,
