// SPDX-License-Identifier: Apache-2.0
// dnalm-evaluate: probe what the layers of DNA language models know about labels.
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <dnalm/io/sequence_file.hpp>
#include <dnalm/io/sha256.hpp>
#include <dnalm/models/inspect.hpp>
#include <dnalm/models/load_model.hpp>
#include <dnalm/report/evaluation.hpp>
#include <support/device.hpp>
#include <support/options.hpp>
#include <support/output_paths.hpp>
#include <support/program.hpp>

namespace {

namespace fs = std::filesystem;
namespace report = dnalm::report;

constexpr const char* examples = R"(Examples:
  dnalm-evaluate --model nt-v2-100m --data enhancers.tsv --out results
      every layer, mean pooling, ridge or logistic by the labels, beside one-hot, k-mers and
      random weights; the table needs the columns sequence and label (or label.<target>), and
      may have name, split (train, valid, test) and group
  dnalm-evaluate --model a --model b --data t.tsv.gz --out ab --layers 0,6,12 --pool mean,cls
      two models side by side, two poolings
  dnalm-evaluate --embeddings x.npz --data t.tsv --out x --baseline onehot,kmer
      vectors of any model: npz with names and mean/layer_<k>, as dnalm-embed writes it
  dnalm-evaluate --model nt-v2-100m --data genes.tsv --out g --window max --overlap 64
      sequences longer than the model takes, cut into windows (docs/long_inputs.md)
Written into --out, complete or not at all: results.tsv, predictions.tsv, report.html,
figures/, probes/ (for dnalm-attribute and dnalm-score), manifest.json.)";

struct settings {
  std::vector<std::string> models;
  std::vector<std::string> embeddings;
  std::string data;
  std::string out;
  std::string layers = "all";
  std::string poolings = "mean";
  std::string probes;
  std::string baselines = "onehot,kmer,random";
  std::string task = "auto";
  dnalm::index_t folds = 10;
  dnalm::index_t bootstrap = 1000;
  bool layers_given = false;
  bool poolings_given = false;
  std::vector<std::string> command;
  program::model_options model_use;
  program::letter_options letters;
  program::common_options common;
};

report::evaluation_options make_options(const settings& s) {
  program::check_common(s.common);
  report::evaluation_options options;
  options.layers = dnalm::parse_layers(s.layers);
  options.poolings = dnalm::parse_poolings(s.poolings);
  if (!s.probes.empty()) options.probes = report::parse_probes(s.probes);
  options.baselines = report::parse_baselines(s.baselines);
  options.task = dnalm::parse_task(s.task);
  options.window = s.model_use.rule();
  options.folds = s.folds;
  options.resamples = s.bootstrap;
  options.seed = s.common.seed;
  options.threads = s.common.threads;
  options.memory = program::parse_bytes(s.common.memory);
  options.display = s.common.display();
  options.check = program::stop_if_interrupted;
  for (const auto kind : options.poolings) {
    if (kind == dnalm::pooling::tokens) {
      throw dnalm::error(dnalm::error_kind::usage, 708, "token matrices cannot be probed",
                         {.expected = "--pool mean, cls, mean_all, max", .found = "tokens"});
    }
  }
  return options;
}

report::hashed_file hashed(const fs::path& file) {
  if (file == "-") return {"standard input", ""};
  return {file.filename().string(), dnalm::io::sha256_file(file)};
}

/// The folder's name as it was given: a link keeps its own name; `.` and `/` at the end are resolved.
std::string folder_name(const fs::path& folder) {
  const fs::path name = folder.filename();
  return name.empty() || name == "." || name == ".." ? fs::weakly_canonical(folder).filename().string()
                                                     : name.string();
}

/// Looks into a folder before the long work begins: a broken second model is told before the first has run.
report::probed_source describe(const std::string& name, const dnalm::model_inspection& m) {
  report::probed_source source;
  source.name = name;
  source.parameters = m.parameters;
  const dnalm::network_summary about = summary_of(m.config);
  source.description = std::string(about.architecture) + ", " + std::to_string(about.layers) +
                       " layers, width " + std::to_string(about.width) + ", " + std::to_string(m.parameters) +
                       " parameters; " + m.tokenizer;
  for (const auto& file : m.files) source.files.push_back(hashed(file));
  source.files.push_back(hashed(m.folder / "config.json"));
  return source;
}

report::manifest make_manifest(const settings& s) {
  report::manifest made;
  made.command = s.command;
  made.seed = s.common.seed;
  made.data = hashed(s.data);
  made.settings = {{"layers", s.layers},
                   {"poolings", s.poolings},
                   {"probes", s.probes.empty() ? "by task: ridge or logistic" : s.probes},
                   {"baselines", s.baselines},
                   {"task", s.task},
                   {"folds", std::to_string(s.folds)},
                   {"bootstrap", std::to_string(s.bootstrap)},
                   {"window", s.model_use.window_text()},
                   {"unknown letters", std::string(to_string(s.letters.policy()))},
                   {"device", program::device_text(s.common)},
                   {"precision", s.common.precision}};
  return made;
}

void evaluate(const settings& s) {
  auto options = make_options(s);
  options.statistics = program::statistics_on_device(s.common);
  const dnalm::load_options load = program::on_device(
      s.common,
      {.unknown = s.letters.policy(), .access = s.model_use.access(), .pack_cache = s.model_use.pack_cache});
  const auto table = dnalm::io::read_sequences(s.data, {.unknown = s.letters.policy()});
  report::manifest made = make_manifest(s);
  made.split = table.has_split
                   ? "the table's column split"
                   : (table.has_group ? "groups" : "rows") + std::string(" drawn 80/10/10 by seed");
  report::result_folder out(s.out);
  report::evaluation evaluation(table, options, out);

  std::vector<std::string> names;
  for (const auto& folder : s.models) {
    const auto inspection = dnalm::inspect_model(folder, load.access);
    if (!inspection.loadable()) static_cast<void>(dnalm::load_model(folder, load));  // throws what is wrong
    names.push_back(evaluation.reserve_name(folder_name(folder)));
    made.sources.push_back(describe(names.back(), inspection));
  }
  for (const auto& file : s.embeddings) {
    names.push_back(evaluation.reserve_name(fs::path(file).stem().string()));
    made.sources.push_back({names.back(), "embeddings", 0, {hashed(file)}});
  }
  std::size_t next = 0;
  for (const auto& file : s.embeddings) {
    evaluation.add_vectors(names[s.models.size() + next++], file, s.layers_given, s.poolings_given);
  }
  evaluation.add_baselines();
  for (std::size_t i = 0; i < s.models.size(); ++i) {
    evaluation.add_model(names[i], dnalm::load_model(s.models[i], load));
  }
  evaluation.finish(made);
  std::printf("%s\nReport: %s\n", report::summary_table(evaluation.rows()).c_str(),
              (fs::path(s.out) / "report.html").string().c_str());
}

}  // namespace

int main(int argc, char** argv) {
  settings s;
  CLI::App app("Probe what the layers of DNA language models know about labels.", "dnalm-evaluate");
  app.footer(examples);
  auto* models = app.add_option("--model", s.models, "Model folder (repeatable)")->type_name("DIR");
  auto* vectors =
      app.add_option("--embeddings", s.embeddings, "npz of vectors (repeatable)")->type_name("FILE");
  for (auto* option : {models, vectors}) option->expected(1)->take_all()->check(program::not_empty());
  app.add_option("--data", s.data, "Table with sequence and label columns; - is standard input")
      ->required()
      ->type_name("TABLE");
  app.add_option("--out", s.out, "Folder of the results")->required()->type_name("DIR");
  auto* layers = app.add_option("--layers", s.layers, "all, last, or a list: 0,6,12")->capture_default_str();
  auto* pools =
      app.add_option("--pool", s.poolings, "List of mean, cls, mean_all, max")->capture_default_str();
  app.add_option("--probe", s.probes, "List of ridge, logistic [ridge for numbers, logistic for classes]");
  app.add_option("--baseline", s.baselines, "List of onehot, kmer, random; or none")->capture_default_str();
  app.add_option("--task", s.task, "auto, regression or classification")->capture_default_str();
  app.add_option("--folds", s.folds, "Folds that choose the penalty when no row is `valid`")
      ->capture_default_str()
      ->check(CLI::Range(2, 1000));
  app.add_option("--bootstrap", s.bootstrap, "Resamples behind the intervals; 0: none")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000000));
  program::add_model_options(app, s.model_use);
  program::add_letters(app, s.letters);
  program::add_common(app, s.common);
  app.final_callback([&] {
    if (s.models.empty() && s.embeddings.empty()) throw CLI::RequiredError("--model or --embeddings");
    std::vector<program::named_path> inputs = {{"--data", s.data}};
    for (const auto& file : s.embeddings) inputs.push_back({"--embeddings", file});
    const fs::path out = s.out;
    program::check_outputs({{"--out", s.out},
                            {"results.tsv of --out", (out / "results.tsv").string()},
                            {"predictions.tsv of --out", (out / "predictions.tsv").string()}},
                           inputs);
    s.layers_given = layers->count() > 0;
    s.poolings_given = pools->count() > 0;
  });
  s.command = {"dnalm-evaluate"};
  for (int i = 1; i < argc; ++i) s.command.emplace_back(argv[i]);
  return program::run(app, argc, argv, [&] { evaluate(s); });
}
