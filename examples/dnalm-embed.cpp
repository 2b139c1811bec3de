// SPDX-License-Identifier: Apache-2.0
// dnalm-embed: embeddings, hidden states and logits of sequences, as an npz file.
#include <string>
#include <vector>

#include <dnalm/core/progress.hpp>
#include <dnalm/embed/embed.hpp>
#include <dnalm/io/leftovers.hpp>
#include <dnalm/io/npz.hpp>
#include <dnalm/io/sequence_file.hpp>
#include <dnalm/models/load_model.hpp>
#include <support/device.hpp>
#include <support/options.hpp>
#include <support/output_paths.hpp>
#include <support/program.hpp>

namespace {

constexpr const char* examples = R"(Examples:
  dnalm-embed --model nt-v2-100m --input enhancers.fa --output enhancers.npz
      the mean over tokens, every layer: arrays mean/layer_0 ... (sequences x width) and names
  dnalm-embed --model dnabert2 --input table.tsv --output x.npz --layers last --pool cls,mean
      two poolings of the last layer
  dnalm-embed --model nt-v2-100m --input a.fa --output a.npz --layers 6 --pool tokens --logits
      one row per token, with token_ids, offsets (where each sequence starts) and logits
  dnalm-embed --model nt-v2-100m --input genes.fa --output g.npz --window max --overlap 64
      longer sequences than the model takes, cut into windows (docs/long_inputs.md)
In Python: numpy.load('enhancers.npz')['mean/layer_6'])";

struct settings {
  std::string model;
  std::string input;
  std::string output;
  std::string layers = "all";
  std::string poolings = "mean";
  bool logits = false;
  dnalm::index_t piece = 0;
  program::model_options model_use;
  program::letter_options letters;
  program::common_options common;
};

/// Writes blocks as they come; nothing but the current block is held.
class npz_sink : public dnalm::embedding_sink {
 public:
  /// `resizes`: layers have rows of their own, whose offsets are written too.
  npz_sink(dnalm::io::npz_writer& file, bool resizes) : file_(file), resizes_(resizes) {}

  void begin(const dnalm::embedding_shape& shape) override {
    bool tokens = shape.logits;
    for (const auto pooling : shape.poolings) {
      tokens = tokens || pooling == dnalm::pooling::tokens;
      for (std::size_t l = 0; l < shape.layers.size(); ++l) {
        const std::string layer = "layer_" + std::to_string(shape.layers[l]);
        values_.push_back(
            file_.begin<float>(std::string(to_string(pooling)) + "/" + layer, {shape.widths[l]}));
      }
    }
    if (shape.logits) logits_.push_back(file_.begin<float>("logits", {shape.vocabulary}));
    if (!tokens) return;
    if (resizes_) begin_rows(shape);
    ids_.push_back(file_.begin<std::int32_t>("token_ids", {}));
    offsets_.push_back(file_.begin<std::int64_t>("offsets", {}));
    file_.append(offsets_[0], std::vector<std::int64_t>{0});
  }

  void consume(dnalm::index_t, const dnalm::embedding_block& block) override {
    program::stop_if_interrupted();
    for (std::size_t i = 0; i < values_.size(); ++i) append(values_[i], block.values[i]);
    if (!logits_.empty()) append(logits_[0], block.logits);
    if (ids_.empty()) return;
    file_.append(ids_[0], block.ids);
    std::vector<std::int64_t> ends;
    for (dnalm::index_t s = 1; s <= block.sequences; ++s) ends.push_back(tokens_ + block.offsets.begin(s));
    file_.append(offsets_[0], ends);
    tokens_ = ends.back();
    for (std::size_t l = 0; l < rows_.size(); ++l) {
      append_rows(l + 1 < rows_.size() ? block.rows[l] : block.logit_rows, block.sequences, rows_[l]);
    }
  }

 private:
  /// Where the rows of each sequence begin, in a layer and in the logits.
  struct row_member {
    std::size_t member = 0;
    std::int64_t total = 0;
  };

  void begin_rows(const dnalm::embedding_shape& shape) {
    for (const auto layer : shape.layers) {
      rows_.push_back({file_.begin<std::int64_t>("offsets/layer_" + std::to_string(layer), {})});
    }
    rows_.push_back({file_.begin<std::int64_t>("offsets/logits", {})});
    for (const auto& rows : rows_) file_.append(rows.member, std::vector<std::int64_t>{0});
  }
  void append_rows(const dnalm::ragged_offsets& block, dnalm::index_t sequences, row_member& to) {
    std::vector<std::int64_t> ends;
    for (dnalm::index_t s = 1; s <= sequences; ++s) ends.push_back(to.total + block.begin(s));
    file_.append(to.member, ends);
    to.total = ends.back();
  }
  void append(std::size_t member, const dnalm::matrix<float>& rows) {
    const auto numbers = static_cast<std::size_t>(rows.rows() * rows.columns());
    file_.append(member, std::span<const float>(rows.data(), numbers));
  }

  dnalm::io::npz_writer& file_;
  bool resizes_;
  std::vector<std::size_t> values_;
  std::vector<std::size_t> logits_;
  std::vector<std::size_t> ids_;
  std::vector<std::size_t> offsets_;
  std::vector<row_member> rows_;
  std::int64_t tokens_ = 0;
};

void embed(const settings& s) {
  program::check_common(s.common);
  dnalm::embed_options wanted;
  wanted.layers = dnalm::parse_layers(s.layers);
  wanted.poolings = dnalm::parse_poolings(s.poolings);
  wanted.logits = s.logits;
  wanted.window = s.model_use.rule();
  wanted.threads = s.common.threads;
  wanted.memory = program::parse_bytes(s.common.memory);
  wanted.piece = s.piece;
  const auto policy = s.letters.policy();
  const auto model =
      dnalm::load_model(s.model, program::on_device(s.common, {.unknown = policy,
                                                               .access = s.model_use.access(),
                                                               .pack_cache = s.model_use.pack_cache}));
  // A tokenizer with letters of its own (RNA, protein) reads them itself.
  const auto& tokens = model.describe().tokens;
  const bool dna = !tokens || tokens->reads_dna();
  const auto reading = dna ? policy : dnalm::unknown_policy::literal;
  const auto table = dnalm::io::read_sequences(s.input, {.unknown = reading});
  dnalm::progress bar("embedding", static_cast<dnalm::index_t>(table.records.size()), s.common.display());
  wanted.watcher = &bar;

  dnalm::io::remove_leftovers(s.output);
  dnalm::io::npz_writer file(s.output);
  std::vector<std::string> names;
  for (const auto& record : table.records) names.push_back(record.name);
  file.add_strings("names", names);
  npz_sink sink(file, model.describe().summary().resizes);
  dnalm::embed(model, table.records, wanted, sink);
  file.finish();
}

}  // namespace

int main(int argc, char** argv) {
  settings s;
  CLI::App app("Embeddings, hidden states and logits of sequences, as an npz file.", "dnalm-embed");
  app.footer(examples);
  app.add_option("--model", s.model, "Model folder")->required()->type_name("DIR");
  app.add_option("--input", s.input, "FASTA, FASTQ, TSV or CSV, plain or .gz, or 2bit; - is standard input")
      ->required()
      ->type_name("FILE");
  app.add_option("--output", s.output, "npz file to write")->required()->type_name("FILE");
  app.add_option("--layers", s.layers, "all, last, or a list: 0,6,12 (0: token embedding)")
      ->capture_default_str();
  app.add_option("--pool", s.poolings, "List of mean, cls, mean_all, max, tokens")->capture_default_str();
  app.add_flag("--logits", s.logits, "Also the logits of the masked-language-model head");
  app.add_option(
         "--piece", s.piece,
         "Positions that HyenaDNA and Caduceus run of a long sequence at a time; never changes a number;\n"
         "0: in one piece, or in some where --memory asks for it")
      ->capture_default_str()
      ->check(CLI::Range(0, 1000000000));
  program::add_model_options(app, s.model_use);
  program::add_letters(app, s.letters);
  program::add_common(app, s.common);
  app.final_callback([&] {
    if (s.output == "-") throw CLI::ValidationError("--output", "an npz file needs a name");
    auto inputs = program::files_of_model("--model", s.model);
    inputs.push_back({"--input", s.input});
    program::check_outputs({{"--output", s.output}}, inputs);
  });
  return program::run(app, argc, argv, [&] { embed(s); });
}
