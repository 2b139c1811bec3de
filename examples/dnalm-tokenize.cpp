// SPDX-License-Identifier: Apache-2.0
// dnalm-tokenize: tokens as a model sees them.
#include <string>
#include <vector>

#include <dnalm/core/progress.hpp>
#include <dnalm/io/leftovers.hpp>
#include <dnalm/io/sequence_file.hpp>
#include <dnalm/io/table_writer.hpp>
#include <dnalm/tokenize/tokenizer.hpp>
#include <support/options.hpp>
#include <support/output_paths.hpp>
#include <support/program.hpp>

namespace {

constexpr const char* examples = R"(Examples:
  dnalm-tokenize --model nt-v2-100m --input sequences.fa.gz > tokens.tsv
      one row per sequence: name, ids, tokens, start of each token in the sequence
  printf '>s\nACGTACGTACGTN\n' | dnalm-tokenize --tokenizer tokenizer.json --input -
      one tokenizer file is enough (vocab.txt or tokenizer.json)
  dnalm-tokenize --model dnabert2 --input table.tsv --unknown n
      read IUPAC letters as N instead of refusing them
  dnalm-tokenize --model dnabert6 --input sequences.fa
      overlapping k-mers: one row a sequence, one token a base)";

struct settings {
  std::string model;
  std::string tokenizer;
  std::string input;
  std::string output = "-";
  program::letter_options letters;
  program::common_options common;
};

std::string joined(const std::vector<std::string>& words, char separator) {
  std::string line;
  for (const std::string& word : words) {
    if (&word != &words.front()) line.push_back(separator);
    line.append(word);
  }
  return line;
}

void write_tokens(dnalm::io::table_writer& table, const std::string& name,
                  const dnalm::token_sequence& tokens, const dnalm::tokenizer& tokenizer) {
  std::vector<std::string> ids;
  std::vector<std::string> texts;
  std::vector<std::string> starts;
  for (std::size_t i = 0; i < tokens.ids.size(); ++i) {
    ids.push_back(std::to_string(tokens.ids[i]));
    texts.push_back(tokenizer.token(tokens.ids[i]));
    starts.push_back(std::to_string(tokens.begin[i]));
  }
  table.row({name, joined(ids, ','), joined(texts, ' '), joined(starts, ',')});
}

void tokenize(const settings& s) {
  program::check_common(s.common);
  const auto policy = s.letters.policy();
  const auto tokenizer = dnalm::load_tokenizer(s.model.empty() ? s.tokenizer : s.model, {.policy = policy});
  // The letters that may stand in a sequence are those of the tokenizer: DNA, RNA or its own alphabet.
  const auto table = dnalm::io::read_sequences(s.input, {.unknown = dnalm::unknown_policy::literal});
  dnalm::io::remove_leftovers(s.output);
  dnalm::io::table_writer out(s.output, {"name", "ids", "tokens", "offsets"});
  dnalm::progress bar("tokenizing", static_cast<dnalm::index_t>(table.records.size()), s.common.display());
  for (const auto& record : table.records) {
    program::stop_if_interrupted();
    const auto tokens = tokenizer.encode(record.sequence, table.file + ", record \"" + record.name + "\"");
    write_tokens(out, record.name, tokens, tokenizer);
    bar.advance();
  }
  out.commit();
}

}  // namespace

int main(int argc, char** argv) {
  settings s;
  CLI::App app("Tokens as a model sees them: TSV with name, ids, tokens, start offsets.", "dnalm-tokenize");
  app.footer(examples);
  auto* model = app.add_option("--model", s.model, "Model folder")->type_name("DIR");
  auto* tokenizer =
      app.add_option("--tokenizer", s.tokenizer, "vocab.txt or tokenizer.json")->type_name("FILE");
  model->excludes(tokenizer);
  app.add_option("--input", s.input, "FASTA, FASTQ, TSV or CSV, plain or .gz, or 2bit; - is standard input")
      ->required()
      ->type_name("FILE");
  app.add_option("--output", s.output, "Table to write; - is standard output")->capture_default_str();
  program::add_letters(app, s.letters);
  program::add_common(app, s.common);
  app.final_callback([&] {
    if (s.model.empty() && s.tokenizer.empty()) throw CLI::RequiredError("--model or --tokenizer");
    auto inputs = s.model.empty() ? program::files_of_model("--tokenizer", s.tokenizer)
                                  : program::files_of_model("--model", s.model);
    inputs.push_back({"--input", s.input});
    program::check_outputs({{"--output", s.output}}, inputs);
  });
  return program::run(app, argc, argv, [&] { tokenize(s); });
}
