// SPDX-License-Identifier: Apache-2.0
// dnalm-attribute: which nucleotides matter to a probe, or to a model's predictions.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include <dnalm/core/progress.hpp>
#include <dnalm/io/leftovers.hpp>
#include <dnalm/io/sequence_file.hpp>
#include <dnalm/models/load_model.hpp>
#include <dnalm/probe/probe_file.hpp>
#include <support/attribution_methods.hpp>
#include <support/attribution_motifs.hpp>
#include <support/attribution_outputs.hpp>
#include <support/device.hpp>
#include <support/options.hpp>
#include <support/program.hpp>

namespace {

constexpr const char* examples = R"(Examples:
  dnalm-attribute --model nt-v2-100m --probe out/probes/nt-v2-100m.12.mean.ridge.safetensors
                  --input enhancers.fa --method saliency --output saliency.npz --html saliency.html
      through probe and model down to the base: arrays one_hot and attributions (sequences, 4, length)
  dnalm-attribute --model gpn --probe p.safetensors --input peaks.tsv --method deep_lift_shap
                  --output shap.npz --modisco shap --hypothetical
      exact DeepLIFT against dinucleotide shuffles, and the two files that TF-MoDISco reads
  dnalm-attribute --model gpn --input region.fa --method entropy --output e.npz --bigwig e.bw
      what the language model expects, without a probe; a track where names are chr:start-end
  dnalm-attribute --model spliceai --logit 1 --input gene.fa --method ism --output ism.npz --svg logos
      of a supervised network: column 1 of its prediction, every substitution
  dnalm-attribute --model gpn --input site.fa --method dependency --output d.npz --html d.html
      which positions depend on which: heat maps
  dnalm-attribute --model gpn --probe p.safetensors --input peaks.fa --top 500 --method ism --output ism.npz
                  --motifs jaspar.meme --motif-hits hits.bed --motif-recovery recovery.tsv
      sites of known motifs in the 500 sequences of largest target, and whether the maps are larger there
In Python: numpy.load('saliency.npz')['attributions'])";

constexpr const char* methods[] = {"saliency",
                                   "input_x_gradient",
                                   "smooth_grad",
                                   "integrated_gradients",
                                   "expected_gradients",
                                   "deep_lift_shap",
                                   "ism",
                                   "embedding_saliency",
                                   "entropy",
                                   "dependency",
                                   "rollout"};

struct settings {
  std::string model;
  std::string probe;
  std::string target;
  dnalm::index_t logit = -1;
  std::string input;
  std::string output;
  std::string modisco;
  dnalm::index_t modisco_width = 400;
  dnalm::index_t top = 0;
  std::string join = "midpoint";
  std::vector<std::string> command;
  program::method_options method;
  program::attribution_outputs::places places;
  program::motif_options motifs;
  program::model_options model_use;
  program::letter_options letters;
  program::common_options common;
};

/// Outputs of a probe by name: `<target>` or `<target>:<class>`.
std::vector<std::string> names_of(const dnalm::attribution_targets& all) {
  std::vector<std::string> names;
  for (dnalm::index_t i = 0; i < all.size(); ++i) names.push_back(all.name(i));
  return names;
}

/// The number of an output that `--target` names, or of the only one. \throws error [dnalm.usage.728].
dnalm::index_t chosen_output(const std::vector<std::string>& names, const std::string& wanted) {
  if (wanted.empty() && names.size() == 1) return 0;
  const auto found = std::find(names.begin(), names.end(), wanted);
  if (found != names.end()) return found - names.begin();
  std::string all;
  for (const auto& name : names) all += (all.empty() ? "" : ", ") + name;
  throw dnalm::error(dnalm::error_kind::usage, 728,
                     wanted.empty() ? "the probe has several outputs" : "the probe has no such output",
                     {.expected = "--target with one of: " + all, .found = wanted});
}

/// What is explained. \throws error [dnalm.usage.727] a method that needs to be told, [dnalm.usage.728].
std::optional<dnalm::attribution_targets> targets_of(const settings& s, const dnalm::model& model) {
  if (!program::needs_target(s.method.method) && s.top == 0) return std::nullopt;
  if (s.logit >= 0) return dnalm::attribution_targets::of_logits(model, std::vector<dnalm::index_t>{s.logit});
  if (s.probe.empty()) {
    throw dnalm::error(dnalm::error_kind::usage, 727, "nothing says which number is explained",
                       {.expected = "--probe FILE, or --logit K for a column of the model's own prediction"});
  }
  const dnalm::fitted_probe probe = dnalm::load_probe(s.probe);
  const auto output = chosen_output(names_of(dnalm::attribution_targets(model, probe)), s.target);
  return dnalm::attribution_targets(model, probe, std::vector<dnalm::index_t>{output});
}

/// Values of the target, one a record; NaN without a target.
std::vector<double> values_of(const std::optional<dnalm::attribution_targets>& targets,
                              const dnalm::run_options& run,
                              const std::vector<dnalm::io::sequence_record>& records) {
  if (!targets) return std::vector<double>(records.size(), std::nan(""));
  std::vector<std::string> sequences;
  for (const auto& record : records) sequences.push_back(record.sequence);
  return targets->function(run)(sequences);
}

/// Keeps the `top` records of largest value, largest first; of equals the first in the file.
void keep_top(dnalm::index_t top, std::vector<dnalm::io::sequence_record>& records,
              std::vector<double>& values) {
  std::vector<std::size_t> order(records.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return values[a] > values[b]; });
  order.resize(std::min(order.size(), static_cast<std::size_t>(top)));
  std::vector<dnalm::io::sequence_record> kept;
  std::vector<double> kept_values;
  for (const auto i : order) {
    kept.push_back(records[i]);
    kept_values.push_back(values[i]);
  }
  records = std::move(kept);
  values = std::move(kept_values);
}

std::vector<dnalm::report::setting> facts_of(double value, const dnalm::attribution_row& row,
                                             const program::attribution_method& method) {
  std::vector<dnalm::report::setting> facts = {{"length", std::to_string(row.sequence.size())}};
  char text[40];
  if (value == value) {
    std::snprintf(text, sizeof text, "%.6g", value);
    facts.push_back({"target at the sequence", text});
  }
  if (method.members.convergence_delta) {
    std::snprintf(text, sizeof text, "%.2g", row.convergence_delta);
    facts.push_back({"convergence delta", text});
  }
  return facts;
}

std::optional<program::motif_report> motifs_of(const settings& s, program::attribution_method& method) {
  if (s.motifs.file.empty()) return std::nullopt;
  program::motif_report report(s.motifs, method.reading);
  method.conventions["motifs"] = report.convention();
  return report;
}

dnalm::report::attribution_summary summary_of(const settings& s, const program::attribution_method& method) {
  dnalm::report::attribution_summary about;
  about.method = s.method.method;
  about.command = s.command;
  about.settings = {{"model", std::filesystem::path(s.model).filename().string()},
                    {"device", program::device_text(s.common)},
                    {"precision", s.common.precision}};
  for (const auto& [name, value] : method.conventions) about.settings.push_back({name, value});
  return about;
}

void attribute(settings s) {
  program::check_common(s.common);
  s.method.seed = s.common.seed;
  s.method.run = {.threads = s.common.threads, .memory = program::parse_bytes(s.common.memory)};
#if !defined(DNALM_WITH_BIGWIG)
  if (!s.places.bigwig.empty()) {
    throw dnalm::error(dnalm::error_kind::unsupported, 730, "this program was built without libBigWig",
                       {.expected = "--bedgraph, or a build with libbigwig-dev", .found = "--bigwig"});
  }
#endif
  const auto model =
      dnalm::load_model(s.model, program::on_device(s.common, {.unknown = s.letters.policy(),
                                                               .access = s.model_use.access(),
                                                               .pack_cache = s.model_use.pack_cache}));
  const auto targets = targets_of(s, model);
  auto method = program::make_method(s.method, model, targets);
  auto motifs = motifs_of(s, method);
  auto records = dnalm::io::read_sequences(s.input, {.unknown = s.letters.policy()}).records;
  for (const auto& record : records) {  // what cannot be read is told before the long work, by its name
    static_cast<void>(model.tokenize(record.sequence, "sequence '" + record.name + "'"));
  }
  std::vector<double> values = values_of(targets, s.method.run, records);
  if (s.top > 0) keep_top(s.top, records, values);

  dnalm::index_t longest = 1;
  for (const auto& record : records)
    longest = std::max(longest, static_cast<dnalm::index_t>(record.sequence.size()));
  dnalm::io::remove_leftovers(s.output);
  dnalm::attribution_writer file(s.output, longest, method.members, method.conventions);
  std::optional<dnalm::modisco_writer> modisco;
  if (!s.modisco.empty()) modisco.emplace(s.modisco, s.modisco_width);
  program::attribution_outputs outputs(s.places, method, targets ? targets->name(0) : s.method.method);

  dnalm::progress bar(s.method.method, static_cast<dnalm::index_t>(records.size()), s.common.display());
  const std::size_t block = s.top > 0 ? 1 : 16;  // numbers of records follow one another within a block
  for (std::size_t first = 0; first < records.size(); first += block) {
    program::stop_if_interrupted();
    std::vector<std::string> sequences;
    std::size_t end = std::min(first + block, records.size());
    for (std::size_t i = first; i < end; ++i) sequences.push_back(records[i].sequence);
    auto rows = method.rows(sequences, records[first].number);
    for (std::size_t i = first; i < end; ++i) {
      dnalm::attribution_row& row = rows[i - first];
      row.name = records[i].name;
      row.sequence = records[i].sequence;
      file.add(row);
      if (modisco) modisco->add(row.sequence, row.attributions);
      auto facts = facts_of(values[i], row, method);
      program::row_sites sites;
      if (motifs) {
        sites = motifs->add(row);
        facts.push_back({"sites of motifs", sites.words});
      }
      outputs.add(row, std::move(facts), std::move(sites.marks));
    }
    bar.advance(static_cast<dnalm::index_t>(end - first));
  }
  bar.finish();
  file.finish();
  if (modisco) modisco->finish();
  auto about = summary_of(s, method);
  if (motifs && !s.places.page.empty()) about.tables.push_back(motifs->page_table());
  outputs.finish(std::move(about));
  if (motifs) motifs->finish(s.method.method);
  if (modisco && modisco->dropped() > 0) {
    std::fprintf(
        stderr,
        "dnalm-attribute: %lld of %zu sequences are not in %s.*.npz: shorter than %lld letters, or N\n",
        static_cast<long long>(modisco->dropped()), records.size(), s.modisco.c_str(),
        static_cast<long long>(s.modisco_width));
  }
}

/// Flags that say nothing of the method that is asked for. \throws CLI::ValidationError.
void check_flags(const program::method_options& m) {
  if (m.corrected && !program::has_correction(m.method)) {
    throw CLI::ValidationError("--corrected", "--method " + m.method + " has no correction of gradients");
  }
  if (m.entropy_weighted && m.method != "embedding_saliency") {
    throw CLI::ValidationError("--entropy-weighted",
                               "--method " + m.method + " has no weights; embedding_saliency has");
  }
}

void add_method_options(CLI::App& app, program::method_options& m) {
  app.add_option("--method", m.method, "What is computed")
      ->required()
      ->check(CLI::IsMember(std::vector<std::string>(std::begin(methods), std::end(methods))));
  app.option_defaults()->group("Method");
  app.add_option("--baseline", m.baseline,
                 "Of integrated_gradients [zero], expected_gradients and deep_lift_shap [shuffles]:\n"
                 "zero, uniform, n, mask, shuffles (dinucleotides)")
      ->check(CLI::IsMember({"zero", "uniform", "n", "mask", "shuffles"}));
  app.add_option("--replicates", m.replicates, "Shuffles of a sequence")
      ->capture_default_str()
      ->check(CLI::Range(1, 10000));
  app.add_option("--nodes", m.nodes,
                 "Of integrated_gradients, at first; doubled up to 1,024 until the sum is right")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  app.add_option("--samples", m.samples, "Of smooth_grad and expected_gradients")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000000));
  app.add_option("--noise", m.noise, "Standard deviation of smooth_grad's noise")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 100.0));
  app.add_flag("--corrected", m.corrected,
               "Of saliency, input_x_gradient and smooth_grad: less the mean over the letters of a position");
  app.add_flag("--entropy-weighted", m.entropy_weighted,
               "Of embedding_saliency: times how much surer than elsewhere the language model is of a token");
  app.add_flag("--hypothetical", m.hypothetical, "Of deep_lift_shap: contributions of all four letters");
  app.add_option("--centring", m.centring,
                 "Of ism: mean4 (less the mean of the four), mean3 (of the other three), raw")
      ->capture_default_str()
      ->check(CLI::IsMember({"mean4", "mean3", "raw"}));
  app.add_option("--context", m.context,
                 "Of entropy and --entropy-weighted: masked, wild_type, left; automatic suits the model")
      ->capture_default_str()
      ->check(CLI::IsMember({"automatic", "masked", "wild_type", "left"}));
  app.add_flag("--both-strands", m.both_strands, "The mean over the sequence and its reverse complement");
  app.option_defaults()->group("Options");
}

void add_output_options(CLI::App& app, settings& s) {
  app.option_defaults()->group("Output");
  app.add_option("--output", s.output, "npz file to write")->required()->type_name("FILE");
  app.add_option("--modisco", s.modisco, "Also PREFIX.ohe.npz and PREFIX.attr.npz")->type_name("PREFIX");
  app.add_option("--modisco-width", s.modisco_width, "Letters in their middle that these files hold")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000000));
  app.add_option("--svg", s.places.svg_folder, "A drawing of each sequence: logo, or heat map")
      ->type_name("DIR");
  app.add_option("--html", s.places.page, "A page with the drawings and how they were made")
      ->type_name("FILE");
  app.add_option("--drawings", s.places.drawings, "Sequences that are drawn, the first ones")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  app.add_option("--bigwig", s.places.bigwig, "A number a base, where names are chr:start-end")
      ->type_name("FILE");
  app.add_option("--bedgraph", s.places.bedgraph, "The same as text")->type_name("FILE");
  app.add_option("--join", s.join, "Where sequences overlap in a track: midpoint, mean, max")
      ->capture_default_str()
      ->check(CLI::IsMember({"midpoint", "mean", "max"}));
  app.option_defaults()->group("Options");
}

void add_motif_options(CLI::App& app, program::motif_options& m) {
  app.option_defaults()->group("Motifs");
  auto* file = app.add_option("--motifs", m.file,
                              "Motifs to look for in the sequences: a MEME file or JASPAR count matrices")
                   ->type_name("FILE");
  app.add_option("--motif-threshold", m.threshold, "Largest p-value of a site (of one place on one strand)")
      ->capture_default_str()
      ->check(CLI::Range(1e-300, 1.0))
      ->needs(file);
  app.add_option("--motif-hits", m.hits, "Sites: BED with p-value, score in bits and mean attribution")
      ->type_name("FILE")
      ->needs(file);
  app.add_option("--motif-recovery", m.recovery,
                 "Table of how the maps are larger inside sites than outside; - is standard output")
      ->capture_default_str()
      ->type_name("FILE")
      ->needs(file);
  app.option_defaults()->group("Options");
}

}  // namespace

int main(int argc, char** argv) {
  settings s;
  CLI::App app("Which nucleotides matter to a probe, or to a model's predictions.", "dnalm-attribute");
  app.footer(examples);
  app.add_option("--model", s.model, "Model folder")->required()->type_name("DIR");
  auto* probe = app.add_option("--probe", s.probe, "Probe that dnalm-evaluate has fitted")->type_name("FILE");
  app.add_option("--logit", s.logit, "In place of a probe: a column of the model's own prediction, from 0")
      ->check(CLI::NonNegativeNumber)
      ->excludes(probe);
  app.add_option("--target", s.target, "Output of a probe that has several: its name, or name:class");
  app.add_option("--input", s.input, "FASTA, FASTQ, TSV or CSV, plain or .gz, or 2bit; - is standard input")
      ->required()
      ->type_name("FILE");
  app.add_option("--top", s.top, "Only the K sequences of largest target, largest first; 0: all")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  add_method_options(app, s.method);
  add_output_options(app, s);
  add_motif_options(app, s.motifs);
  program::add_weight_options(app, s.model_use);
  program::add_letters(app, s.letters);
  program::add_common(app, s.common);
  app.final_callback([&] {
    if (s.output == "-") throw CLI::ValidationError("--output", "an npz file needs a name");
    check_flags(s.method);
    using dnalm::io::overlap_rule;
    s.places.overlap = s.join == "mean"  ? overlap_rule::mean
                       : s.join == "max" ? overlap_rule::max
                                         : overlap_rule::midpoint;
  });
  s.command = {"dnalm-attribute"};
  for (int i = 1; i < argc; ++i) s.command.emplace_back(argv[i]);
  return program::run(app, argc, argv, [&] { attribute(s); });
}
