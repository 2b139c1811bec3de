// SPDX-License-Identifier: Apache-2.0
// dnalm-attribute: which nucleotides matter to a probe, or to a model's predictions.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <dnalm/core/progress.hpp>
#include <dnalm/io/leftovers.hpp>
#include <dnalm/io/sequence_file.hpp>
#include <dnalm/models/load_model.hpp>
#include <dnalm/probe/probe_file.hpp>
#include <support/attribution_baselines.hpp>
#include <support/attribution_device.hpp>
#include <support/attribution_methods.hpp>
#include <support/attribution_modisco.hpp>
#include <support/attribution_motifs.hpp>
#include <support/attribution_options.hpp>
#include <support/attribution_outputs.hpp>
#include <support/attribution_planting.hpp>
#include <support/attribution_planting_options.hpp>
#include <support/attribution_prediction_options.hpp>
#include <support/attribution_residuals.hpp>
#include <support/attribution_shuffles.hpp>
#include <support/attribution_substitutions.hpp>
#include <support/attribution_tolerance.hpp>
#include <support/chromosome_sizes.hpp>
#include <support/device.hpp>
#include <support/options.hpp>
#include <support/output_paths.hpp>
#include <support/output_places.hpp>
#include <support/program.hpp>
#include <support/sequence_names.hpp>

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
      of a supervised network: column 1 of its prediction before the softmax, every substitution
  dnalm-attribute --model enformer --logit 41 --head mouse --rows 447:449 --input tss.fa --method saliency
                  --output mouse.npz
      of its head mouse, before the softplus, the mean over two rows in the middle
  dnalm-attribute --model gpn --input site.fa --method dependency --output d.npz --html d.html
      which positions depend on which: heat maps
  dnalm-attribute --model gpn --probe p.safetensors --input peaks.fa --top 500 --method ism --output ism.npz
                  --motifs jaspar.meme --motif-hits hits.bed --motif-recovery recovery.tsv
      sites of known motifs in the 500 sequences of largest target, and whether the maps are larger there
  dnalm-attribute --model gpn --probe p.safetensors --input peaks.fa --method global_importance
                  --insert GATAAG --positions 20:180:10 --output gia.npz --effects gia.tsv --html gia.html
      what a planted motif does to the target, averaged over shuffled backgrounds, position by position
In Python: numpy.load('saliency.npz')['attributions'])";

struct settings {
  std::string model;
  std::string probe;
  std::string target;
  program::prediction_options prediction;
  std::string input;
  std::string output;
  std::string modisco;
  dnalm::index_t modisco_width = 400;
  dnalm::index_t top = 0;
  std::string join = "midpoint";
  std::string chromosome_sizes;
  std::vector<std::string> command;
  program::method_options method;
  program::attribution_outputs::places places;
  program::motif_options motifs;
  program::planting_options planting;
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

/// What is explained, or told beside maps that explain no target; nothing where neither is asked for.
/// \throws error [dnalm.usage.727] a method that needs to be told, [dnalm.usage.728].
std::optional<dnalm::attribution_targets> targets_of(const settings& s, const dnalm::model& model) {
  const bool needed = program::needs_target(s.method.method) || s.top > 0;
  if (s.prediction.logit >= 0) {
    return dnalm::attribution_targets::of_logits(model, std::vector<dnalm::index_t>{s.prediction.logit},
                                                 program::choice_of(s.prediction));
  }
  if (s.probe.empty() && !needed) return std::nullopt;
  if (s.probe.empty()) {
    throw dnalm::error(dnalm::error_kind::usage, 727, "nothing says which number is explained",
                       {.expected = "--probe FILE, or --logit K for a column of the model's own prediction"});
  }
  const dnalm::fitted_probe probe = dnalm::load_probe(s.probe);
  const auto names = names_of(dnalm::attribution_targets(model, probe));
  if (!needed && s.target.empty() && names.size() > 1) {
    std::fprintf(stderr, "dnalm-attribute: --method %s explains no target; --target says which one is told\n",
                 s.method.method.c_str());
    return std::nullopt;
  }
  return dnalm::attribution_targets(model, probe,
                                    std::vector<dnalm::index_t>{chosen_output(names, s.target)});
}

/// Whether the model takes a sequence in one pass.
bool fits(const dnalm::model& model, const std::string& sequence) {
  const auto& about = model.describe();
  if (!about.tokens || about.max_tokens == 0) return true;
  return static_cast<dnalm::index_t>(about.tokens->encode(sequence).ids.size()) <= about.max_tokens;
}

/// Values of the target, one a record; none without a target. A target needs the sequence in one pass: where
/// windows make the map of a longer one, its value is NaN.
std::vector<double> values_of(const std::optional<dnalm::attribution_targets>& targets, const settings& s,
                              const std::vector<dnalm::io::sequence_record>& records) {
  if (!targets) return {};
  std::vector<std::string> sequences;
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (s.method.window.tokens != 0 && !fits(targets->network(), records[i].sequence)) continue;
    sequences.push_back(records[i].sequence);
    places.push_back(i);
  }
  std::vector<double> values(records.size(), std::nan(""));
  const auto name_of = [&](dnalm::index_t i) { return records[places[static_cast<std::size_t>(i)]].name; };
  const std::vector<double> found =
      program::with_names(name_of, [&] { return targets->function(s.method.run)(sequences); });
  for (std::size_t i = 0; i < places.size(); ++i) values[places[i]] = found[i];
  return values;
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

std::vector<dnalm::report::setting> facts_of(std::optional<double> value, const dnalm::attribution_row& row,
                                             const program::attribution_method& method) {
  std::vector<dnalm::report::setting> facts = {{"length", std::to_string(row.sequence.size())}};
  char text[40];
  if (value && std::isnan(*value)) {
    facts.push_back({"target at the sequence", "none, longer than the model takes at once"});
  } else if (value) {
    std::snprintf(text, sizeof text, "%.6g", *value);
    facts.push_back({"target at the sequence", text});
  }
  if (method.members.convergence_delta) {
    std::snprintf(text, sizeof text, "%.2g", row.convergence_delta);
    const bool known = method.members.nodes;
    const std::string nodes = ", " + std::to_string(row.nodes) + " nodes";
    facts.push_back({"convergence delta",
                     text + (known ? nodes + (row.within_tolerance ? "" : ": misses the tolerance") : "")});
  }
  if (method.members.computed && !std::isnan(row.screen_recall)) {
    facts.push_back({"largest edits that the screen found", program::short_text(row.screen_recall)});
  }
  if (method.members.distinct_shuffles) {
    facts.push_back({"distinct shuffles", program::shuffles_text(row.distinct_shuffles)});
  }
  return facts;
}

std::optional<program::motif_report> motifs_of(const settings& s, program::attribution_method& method) {
  if (s.motifs.file.empty()) return std::nullopt;
  program::motif_report report(s.motifs, method.reading);
  method.conventions["motifs"] = report.convention();
  return report;
}

dnalm::report::attribution_summary summary_of(const settings& s,
                                              const std::map<std::string, std::string>& conventions) {
  dnalm::report::attribution_summary about;
  about.method = s.method.method;
  about.command = s.command;
  about.settings = {{"model", std::filesystem::path(s.model).filename().string()},
                    {"device", program::device_text(s.common)},
                    {"precision", s.common.precision}};
  for (const auto& [name, value] : conventions) about.settings.push_back({name, value});
  return about;
}

/// The drawing of global importance. Empty without `--svg`.
std::string drawing_of_effects(const settings& s) {
  if (s.places.svg_folder.empty()) return "";
  return (std::filesystem::path(s.places.svg_folder) / "effects.svg").string();
}

/// Every path that is written, held against one another and against what is read.
/// \throws error [dnalm.usage.733].
std::vector<program::named_path> checked_outputs(const settings& s) {
  std::vector<program::named_path> outputs = {{"--output", s.output},
                                              {"--html", s.places.page},
                                              {"--svg", s.places.svg_folder},
                                              {"--bigwig", s.places.bigwig},
                                              {"--bedgraph", s.places.bedgraph}};
  if (!s.modisco.empty()) {
    outputs.push_back({"--modisco", s.modisco + ".ohe.npz"});
    outputs.push_back({"--modisco", s.modisco + ".attr.npz"});
  }
  if (s.method.method == "global_importance") {
    outputs.push_back({"--effects", s.planting.effects});
    outputs.push_back({"--svg", drawing_of_effects(s)});
  } else if (!s.motifs.file.empty()) {
    outputs.push_back({"--motif-hits", s.motifs.hits});
    outputs.push_back({"--motif-recovery", s.motifs.recovery});
  }
  auto inputs = program::files_of_model("--model", s.model);
  inputs.push_back({"--input", s.input});
  inputs.push_back({"--probe", s.probe});
  inputs.push_back({"--motifs", s.motifs.file});
  inputs.push_back({"--chromosome-sizes", s.chromosome_sizes});
  inputs.push_back({"--baseline-file", s.method.baseline_file});
  program::check_outputs(outputs, inputs);
  return outputs;
}

/// The records of the input, read as the model will read them: what cannot be is told before the long work,
/// by its name. Windows take sequences of any length, `--top` does not: it needs every target.
std::vector<dnalm::io::sequence_record> records_of(const settings& s, const dnalm::model& model) {
  auto records = dnalm::io::read_sequences(s.input, {.unknown = s.letters.policy()}).records;
  const bool windows = s.method.window.tokens != 0 && model.describe().tokens;
  for (const auto& record : records) {
    const std::string where =
        "sequence '" + record.name + "'" + (windows && s.top > 0 ? " (in one pass, for --top)" : "");
    if (windows && s.top == 0) {
      static_cast<void>(model.describe().tokens->encode(record.sequence, where));  // of any length
    } else {
      static_cast<void>(model.tokenize(record.sequence, where));
    }
  }
  return records;
}

/// All that is written of the maps of a run.
class map_files {
 public:
  map_files(const settings& s, program::attribution_method& method, dnalm::index_t longest)
      : s_(s),
        method_(method),
        motifs_(motifs_of(s, method)),
        outputs_(s.places, method),
        instead_(s.modisco.empty() ? "" : program::scores_instead(s.method)) {
    dnalm::io::remove_leftovers(s.output);
    if (!instead_.empty()) method.conventions["modisco"] = instead_;
    file_.emplace(s.output, longest, method.members, method.conventions);
    if (!s.modisco.empty()) modisco_.emplace(s.modisco, s.modisco_width);
  }

  void add(const dnalm::attribution_row& row, std::optional<double> value) {
    ++rows_;
    file_->add(row);
    tally_.add(row);
    residuals_.add(row);
    shuffles_.add(row.name, row.distinct_shuffles, s_.method.replicates);
    screens_.add(row);
    if (modisco_) modisco_->add(row.sequence, row.attributions);
    auto facts = facts_of(value, row, method_);
    program::row_sites sites;
    if (motifs_) {
      sites = motifs_->add(row);
      facts.push_back({"sites of motifs", sites.words});
    }
    outputs_.add(row, std::move(facts), std::move(sites.marks));
  }

  void finish() {
    if (method_.members.nodes) {
      method_.conventions["tolerance"] += "; " + tally_.words();
      file_->set_convention("tolerance", method_.conventions["tolerance"]);
    }
    if (method_.members.distinct_shuffles) {
      method_.conventions["distinct_shuffles"] = shuffles_.words();
      file_->set_convention("distinct_shuffles", shuffles_.words());
    }
    if (method_.members.computed && !screens_.empty()) {
      method_.conventions["screen_recall"] = screens_.words(s_.method.screen);
      file_->set_convention("screen_recall", method_.conventions["screen_recall"]);
    }
    file_->finish();
    if (modisco_) modisco_->finish();
    auto about = summary_of(s_, method_.conventions);
    if (motifs_ && !s_.places.page.empty()) about.tables.push_back(motifs_->page_table());
    if (method_.members.residuals) about.tables.push_back(residuals_.page_table());
    outputs_.finish(std::move(about));
    if (motifs_) motifs_->finish(s_.method.method);
    if (method_.members.nodes) tally_.tell(s_.method.tolerance);
    if (method_.members.distinct_shuffles) shuffles_.tell();
    if (method_.members.computed) screens_.tell(s_.method.screen);
    if (modisco_) {
      program::tell_modisco(s_.modisco, instead_, modisco_->dropped(), rows_, s_.modisco_width);
    }
  }

 private:
  const settings& s_;
  program::attribution_method& method_;
  std::optional<program::motif_report> motifs_;
  program::attribution_outputs outputs_;
  std::string instead_;
  std::optional<dnalm::attribution_writer> file_ = {};
  std::optional<dnalm::modisco_writer> modisco_ = {};
  program::tolerance_tally tally_ = {};
  program::shuffle_tally shuffles_ = {};
  program::residual_tally residuals_ = {};
  program::screen_tally screens_ = {};
  dnalm::index_t rows_ = 0;
};

/// A map of each record.
void draw_maps(const settings& s, const dnalm::model& model,
               const std::optional<dnalm::attribution_targets>& targets) {
  auto records = records_of(s, model);
  const auto check_records = [&] {
    program::attribution_outputs::check_names(s.places, records);
    if (!s.modisco.empty()) program::check_modisco_lengths(records, s.modisco_width);
  };
  program::method_options options = s.method;
  if (!options.baseline_file.empty()) {
    options.baselines = program::read_baselines(options.baseline_file, records, s.letters.policy());
  }
  auto method = program::make_method(options, model, targets);
  if (!s.modisco.empty()) program::check_modisco_scores(method);
  if (s.top == 0) check_records();
  std::vector<double> values = values_of(targets, s, records);
  if (s.top > 0) {
    keep_top(s.top, records, values);
    check_records();
  }
  dnalm::index_t longest = 1;
  for (const auto& record : records)
    longest = std::max(longest, static_cast<dnalm::index_t>(record.sequence.size()));
  map_files files(s, method, longest);

  dnalm::progress bar(s.method.method, static_cast<dnalm::index_t>(records.size()), s.common.display());
  const std::size_t block = s.top > 0 ? 1 : 16;  // numbers of records follow one another within a block
  for (std::size_t first = 0; first < records.size(); first += block) {
    program::stop_if_interrupted();
    const std::size_t end = std::min(first + block, records.size());
    const auto part = std::span(records).subspan(first, end - first);
    const auto name_of = [&](dnalm::index_t i) { return part[static_cast<std::size_t>(i)].name; };
    auto rows = program::with_names(name_of, [&] { return method.rows(part); });
    for (std::size_t i = first; i < end; ++i) {
      dnalm::attribution_row& row = rows[i - first];
      row.name = records[i].name;
      row.sequence = records[i].sequence;
      files.add(row, values.empty() ? std::nullopt : std::optional(values[i]));
    }
    bar.advance(static_cast<dnalm::index_t>(end - first));
  }
  bar.finish();
  files.finish();
}

/// What planted motifs do, averaged over backgrounds that come from the records.
void plant_motifs(const settings& s, program::planting_report& report, const dnalm::model& model,
                  const dnalm::attribution_targets& targets) {
  auto records = records_of(s, model);
  report.check_number(s.top > 0 ? std::min(records.size(), static_cast<std::size_t>(s.top)) : records.size());
  if (s.top > 0) {
    std::vector<double> values = values_of(targets, s, records);
    keep_top(s.top, records, values);
  }
  report.run(targets, s.method.run, records, s.common.display());
  report.write_arrays(s.output);
  if (!s.places.svg_folder.empty()) {
    program::make_folder(s.places.svg_folder);
    dnalm::io::write_file(drawing_of_effects(s), report.drawing() + "\n");
  }
  if (!s.places.page.empty()) report.write_page(s.places.page, summary_of(s, report.conventions()));
  report.write_table();
  report.tell();
}

void attribute(settings s) {
  program::check_common(s.common);
  const std::vector<program::named_path> outputs = checked_outputs(s);
  const program::output_folder drawings(s.places.svg_folder);  // other outputs may lie in it
  for (const program::named_path& output : outputs) {
    if (output.option != "--svg") program::try_file(output.path);
  }
  program::tell_device(s.method.method, s.common.device);
  s.common.device = program::device_of_method(s.method.method, s.common.device);
  s.method.seed = s.common.seed;
  s.method.run = {.threads = s.common.threads, .memory = program::parse_bytes(s.common.memory)};
  s.method.window = s.model_use.rule();
#if !defined(DNALM_WITH_BIGWIG)
  if (!s.places.bigwig.empty()) {
    throw dnalm::error(dnalm::error_kind::unsupported, 730, "this program was built without libBigWig",
                       {.expected = "--bedgraph, or a build with libbigwig-dev", .found = "--bigwig"});
  }
#endif
  std::optional<program::planting_report> planting;  // tells what cannot be planted before the model is read
  if (s.method.method == "global_importance") {
    planting.emplace(s.planting, s.motifs.file, s.common.seed);
  }
  if (!s.chromosome_sizes.empty()) s.places.sizes = program::read_chromosome_sizes(s.chromosome_sizes);
  const auto model =
      dnalm::load_model(s.model, program::on_device(s.common, {.unknown = s.letters.policy(),
                                                               .access = s.model_use.access(),
                                                               .pack_cache = s.model_use.pack_cache}));
  const auto targets = targets_of(s, model);
  if (planting) {
    plant_motifs(s, *planting, model, *targets);
  } else {
    draw_maps(s, model, targets);
  }
}

void add_output_options(CLI::App& app, settings& s) {
  app.option_defaults()->group("Output");
  app.add_option("--output", s.output, "npz file to write")->required()->type_name("FILE");
  auto* modisco = app.add_option("--modisco", s.modisco,
                                 "Also PREFIX.ohe.npz and PREFIX.attr.npz, which TF-MoDISco reads")
                      ->type_name("PREFIX");
  app.add_option("--modisco-width", s.modisco_width, "Letters in their middle that these files hold")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000000))
      ->needs(modisco);
  app.add_option("--svg", s.places.svg_folder,
                 "A drawing of each sequence: logo, or heat map; of global_importance one of the curves")
      ->type_name("DIR");
  app.add_option("--html", s.places.page, "A page with the drawings and how they were made")
      ->type_name("FILE");
  app.add_option("--drawings", s.places.drawings, "Sequences that are drawn, the first ones")
      ->capture_default_str()
      ->check(CLI::Range(1, 100000));
  app.add_option("--bigwig", s.places.bigwig, "A number a base, where names are chr:start-end")
      ->type_name("FILE");
  app.add_option("--bedgraph", s.places.bedgraph, "The same as text")->type_name("FILE");
  app.add_option(
         "--chromosome-sizes", s.chromosome_sizes,
         "Names and lengths of the chromosomes, as chrom.sizes or .fai: of the track's header, and\n"
         "places beyond them are refused; without it a bigWig says that each ends with its last number")
      ->type_name("FILE");
  app.add_option("--join", s.join, "Where sequences overlap in a track: midpoint, mean, max")
      ->capture_default_str()
      ->check(CLI::IsMember({"midpoint", "mean", "max"}));
  app.option_defaults()->group("Options");
}

}  // namespace

int main(int argc, char** argv) {
  settings s;
  CLI::App app("Which nucleotides matter to a probe, or to a model's predictions.", "dnalm-attribute");
  app.footer(examples);
  app.add_option("--model", s.model, "Model folder")->required()->type_name("DIR");
  auto* probe = app.add_option("--probe", s.probe, "Probe that dnalm-evaluate has fitted")->type_name("FILE");
  program::add_prediction_options(app, s.prediction, probe);
  app.add_option("--target", s.target, "Output of a probe that has several: its name, or name:class")
      ->needs(probe);
  app.add_option("--input", s.input, "FASTA, FASTQ, TSV or CSV, plain or .gz, or 2bit; - is standard input")
      ->required()
      ->type_name("FILE");
  app.add_option("--top", s.top, "Only the K sequences of largest target, largest first; 0: all")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000000000));
  program::add_method_options(app, s.method);
  add_output_options(app, s);
  program::add_motif_options(app, s.motifs);
  program::add_planting_options(app, s.planting);
  program::add_model_options(app, s.model_use);
  program::add_letters(app, s.letters);
  program::add_common(app, s.common);
  auto* device = app.get_option("--device");
  device->description(device->get_description() +
                      ",\nbut for deep_lift_shap and rollout, which always run there");
  program::describe_readers(app);
  app.final_callback([&] {
    if (s.output == "-") throw CLI::ValidationError("--output", "an npz file needs a name");
    program::check_readers(app, s.method);
    if (!s.chromosome_sizes.empty() && s.places.bigwig.empty() && s.places.bedgraph.empty()) {
      throw CLI::RequiredError("--chromosome-sizes: --bigwig or --bedgraph");
    }
    using dnalm::io::overlap_rule;
    s.places.overlap = s.join == "mean"  ? overlap_rule::mean
                       : s.join == "max" ? overlap_rule::max
                                         : overlap_rule::midpoint;
  });
  s.command = {"dnalm-attribute"};
  for (int i = 1; i < argc; ++i) s.command.emplace_back(argv[i]);
  return program::run(app, argc, argv, [&] { attribute(s); });
}
