// SPDX-License-Identifier: Apache-2.0
// dnalm-embed, dnalm-tokenize, dnalm-inspect.
#include <dnalm/embed/embeddings.hpp>
#include <nlohmann/json.hpp>

#include <dnalm/io/json.hpp>
#include <dnalm/io/npz.hpp>
#include <dnalm/io/sequence_file.hpp>
#include <dnalm/models/load_model.hpp>
#include <dnalm/tokenize/tokenizer.hpp>

#include <algorithm>
#include <cmath>

#include "workbench.hpp"

#include <support/catch.hpp>

using namespace workbench;

TEST_CASE("dnalm-tokenize writes name, ids, tokens and start offsets", "[programs]") {
  const scratch dir;
  write(dir / "a.fa", ">one of two\nACGTACGTA\nCGTN\n>two\nttt\n");
  const std::string folder = std::string(DNALM_GOLDEN_DIR) + "/tokenizers/nt_v2";
  const auto result = run("dnalm-tokenize --tokenizer " + folder + "/vocab.txt --input " + (dir / "a.fa"));
  REQUIRE(result.err.empty());
  REQUIRE(result.code == 0);
  write(dir / "tokens.tsv", result.out);
  const auto rows = read_tsv(dir / "tokens.tsv");
  REQUIRE(rows.size() == 3);
  REQUIRE(rows[0] == std::vector<std::string>{"name", "ids", "tokens", "offsets"});
  REQUIRE(rows[1][0] == "one");
  REQUIRE(rows[1][2] == "<cls> ACGTAC GTACGT N");
  REQUIRE(rows[1][3] == "0,0,6,12");
  REQUIRE(rows[2][2] == "<cls> T T T");
  std::string ids;
  for (const int id : dnalm::load_tokenizer(folder).encode("ACGTACGTACGTN").ids) {
    ids += (ids.empty() ? "" : ",") + std::to_string(id);
  }
  REQUIRE(rows[1][1] == ids);
}

TEST_CASE("dnalm-tokenize reads standard input and gzip, and keeps the letter policies apart", "[programs]") {
  const scratch dir;
  const std::string program =
      "dnalm-tokenize --tokenizer " DNALM_GOLDEN_DIR "/tokenizers/nt_v2/vocab.txt --input ";
  write(dir / "a.fa", ">a\nACGRAC\n");
  const auto refused = run(program + (dir / "a.fa"));
  REQUIRE(refused.code == 3);
  REQUIRE(refused.id() == "dnalm.input.150");
  REQUIRE(refused.err.find("position 4") != std::string::npos);
  const auto read_as_n = run(program + (dir / "a.fa") + " --unknown n");
  REQUIRE(read_as_n.out.find("<cls> A C G N A C\t") != std::string::npos);
  write(dir / "b.fa", ">b\nAC<mask>acgtac\n");
  const auto literal = run(program + (dir / "b.fa") + " --literal");
  REQUIRE(literal.out.find("<cls> A C <mask>") != std::string::npos);
  REQUIRE(run(program + (dir / "b.fa") + " --literal --unknown n").code == 2);
  const auto piped = run(program + "-", "printf '>p\\nACGTAC\\n' | gzip |");
  REQUIRE(piped.out.find("p\t") != std::string::npos);
  REQUIRE(piped.out.find("<cls> ACGTAC\t0,0\n") != std::string::npos);
}

TEST_CASE("dnalm-embed writes what the library computes, whatever the threads and memory", "[programs]") {
  const scratch dir;
  const std::string model = make_model(dir, "tiny");
  const std::string table = make_table(dir, "t.tsv", {.rows = 20});
  const std::string command = "dnalm-embed --model " + model + " --input " + table +
                              " --pool mean,cls,tokens --layers 2,0 --logits --output ";
  REQUIRE(run(command + (dir / "a.npz")).code == 0);
  REQUIRE(run(command + (dir / "b.npz") + " --threads 1 --memory 1").code == 0);
  REQUIRE(content(dir / "a.npz") == content(dir / "b.npz"));

  const dnalm::io::npz_reader file(dir / "a.npz");
  const auto records = dnalm::io::read_sequences(table).records;
  REQUIRE(file.read("names").texts()[19] == records[19].name);
  const auto expected = dnalm::embed(
      dnalm::load_model(model), records,
      {.layers = {2, 0}, .poolings = {dnalm::pooling::mean, dnalm::pooling::tokens}, .logits = true});
  const auto same = [](const std::vector<float>& a, const dnalm::nd_array<float, 2>& b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.data());
  };
  REQUIRE(file.read("mean/layer_2").shape == std::vector<dnalm::index_t>{20, 16});
  REQUIRE(same(file.read("mean/layer_2").values<float>(), expected.at(dnalm::pooling::mean, 2)));
  REQUIRE(same(file.read("mean/layer_0").values<float>(), expected.at(dnalm::pooling::mean, 0)));
  REQUIRE(same(file.read("tokens/layer_2").values<float>(), expected.at(dnalm::pooling::tokens, 2)));
  REQUIRE(same(file.read("logits").values<float>(), expected.logits));
  REQUIRE(file.read("token_ids").values<std::int32_t>() == expected.token_ids);
  REQUIRE(file.read("offsets").values<std::int64_t>() == expected.offsets.offsets);
  REQUIRE(file.read("cls/layer_0").shape == std::vector<dnalm::index_t>{20, 16});
  REQUIRE(file.names().size() == 10);
}

TEST_CASE("dnalm-embed leaves the letters to the model's tokenizer, as dnalm-tokenize does", "[programs]") {
  const scratch dir;  // SpliceBERT reads U as T; DNA's own policy would refuse it, or read N
  const std::filesystem::path golden = std::filesystem::path(DNALM_GOLDEN_DIR) / "models" / "bert_splice";
  for (const char* name : {"config.json", "model.safetensors"}) {
    std::filesystem::copy_file(golden / name, std::filesystem::path(dir / name));
  }
  write(dir / "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nN\nA\nC\nG\nT\n");
  write(dir / "rna.fa", ">r\nACGUACGU\n");
  for (const std::string letters : {"", " --unknown n"}) {
    const auto embedded = run("dnalm-embed --model " + (dir / "") + " --input " + (dir / "rna.fa") +
                              " --pool tokens --output " + (dir / "e.npz") + letters);
    REQUIRE(embedded.code == 0);
    const dnalm::io::npz_reader file(dir / "e.npz");
    REQUIRE(file.read("token_ids").values<std::int32_t>() ==
            std::vector<std::int32_t>{2, 6, 7, 8, 9, 6, 7, 8, 9, 3});
    const auto tokens =
        run("dnalm-tokenize --model " + (dir / "") + " --input " + (dir / "rna.fa") + letters);
    REQUIRE(tokens.out.find("2,6,7,8,9,6,7,8,9,3") != std::string::npos);
  }
}

TEST_CASE("dnalm-embed leaves an earlier file alone when it fails", "[programs]") {
  const scratch dir;
  const std::string model = make_model(dir, "tiny");
  write(dir / "x.npz", "precious");
  write(dir / "long.fa", ">ok\nACGT\n>long\n" + std::string(2100, 'N') + "\n");
  const auto result =
      run("dnalm-embed --model " + model + " --input " + (dir / "long.fa") + " --output " + (dir / "x.npz"));
  REQUIRE(result.code == 3);
  REQUIRE(result.id() == "dnalm.input.406");
  REQUIRE(result.err.find("long") != std::string::npos);
  REQUIRE(content(dir / "x.npz") == "precious");
  REQUIRE(dir.entries() == std::set<std::string>{"tiny", "x.npz", "long.fa"});
  REQUIRE(run("dnalm-embed --model " + model + " --input " + (dir / "long.fa") + " --output -").code == 2);
}

TEST_CASE("dnalm-embed says so when the disk is full", "[programs]") {
  const scratch dir;
  const std::string model = make_model(dir, "tiny");
  const std::string table = make_table(dir, "t.tsv");
  const auto limited =
      run("dnalm-embed --model " + model + " --input " + table + " --pool tokens --output " + (dir / "x.npz"),
          "ulimit -f 8;");
  REQUIRE(limited.code == 3);
  REQUIRE(limited.id() == "dnalm.io.223");
  REQUIRE(dir.entries() == std::set<std::string>{"tiny", "t.tsv"});
  const auto full = run("dnalm-tokenize --model " + model + " --input " + table + " --output /dev/full");
  REQUIRE(full.code == 3);
  REQUIRE(full.id().rfind("dnalm.io.", 0) == 0);
  const auto piped = run("dnalm-tokenize --model " + model + " --input " + table + " >/dev/full");
  REQUIRE(piped.code == 3);
  REQUIRE(piped.id().rfind("dnalm.io.", 0) == 0);
  REQUIRE(run("dnalm-inspect " + model + " >/dev/full").id() == "dnalm.io.703");
}

TEST_CASE("dnalm-inspect tells architecture, tokenizer, tensors and parameters", "[programs]") {
  const scratch dir;
  const std::string model = make_model(dir, "tiny");
  const auto text = run("dnalm-inspect " + model);
  REQUIRE(text.code == 0);
  REQUIRE(text.out.find("NT-v2") != std::string::npos);
  REQUIRE(text.out.find("The folder can be loaded.") != std::string::npos);
  const auto result = run("dnalm-inspect " + model + " --json");
  REQUIRE(result.code == 0);
  const auto json = dnalm::io::parse_json(result.out, "stdout");
  REQUIRE(json["architecture"] == "NT-v2");
  REQUIRE(json["layers"] == 2);
  REQUIRE(json["width"] == 16);
  REQUIRE(json["parameters"] == dnalm::load_model(model).describe().parameters);
  REQUIRE(json["missing"].empty());
  REQUIRE(json["surplus"].empty());
  REQUIRE(json["loadable"] == true);
  REQUIRE(json["configuration"]["hidden_size"] == 16);
}

TEST_CASE("dnalm-inspect names missing and surplus tensors", "[programs]") {
  const scratch dir;
  const std::string model = make_model(dir, "tiny");
  const auto before = dnalm::inspect_model(model);
  const std::string gone = before.tensors.at(3).info.name;
  const float one = 1;
  write_weights(model, 1, gone);
  auto json = dnalm::io::parse_json(run("dnalm-inspect " + model + " --json").out, "stdout");
  REQUIRE(json["missing"].size() == 1);
  REQUIRE(json["missing"][0]["name"] == gone);
  REQUIRE(json["loadable"] == false);
  dnalm::io::write_safetensors(model + "/model.safetensors",
                               {dnalm::io::make_tensor("surprise", {&one, 1}, {1})});
  const auto text = run("dnalm-inspect " + model);
  REQUIRE(text.code == 0);
  REQUIRE(text.out.find("surprise") != std::string::npos);
  REQUIRE(text.out.find("can NOT be loaded") != std::string::npos);
}

TEST_CASE("dnalm-embed cuts long sequences into windows when asked, and says how when not", "[programs]") {
  const scratch dir;
  const std::string model = make_model(dir, "tiny");  // at most 2048 tokens
  std::string sequence;
  for (int i = 0; i < 2500; ++i)
    sequence += std::string("ACGTTA").substr(static_cast<std::size_t>(i % 5)) + "G";
  write(dir / "long.fa", ">short\nACGTACGTAACCGGTT\n>long\n" + sequence + "\n");
  const std::string command =
      "dnalm-embed --model " + model + " --input " + (dir / "long.fa") + " --pool mean,cls,tokens --output ";
  const auto refused = run(command + (dir / "a.npz"));
  REQUIRE(refused.id() == "dnalm.input.406");
  REQUIRE(refused.err.find("--window") != std::string::npos);
  REQUIRE(run(command + (dir / "a.npz") + " --window 100 --overlap 10").code == 0);
  REQUIRE(
      run(command + (dir / "b.npz") + " --window 100 --overlap 10 --threads 1 --memory 1 --no-mmap").code ==
      0);
  REQUIRE(content(dir / "a.npz") == content(dir / "b.npz"));
  const dnalm::io::npz_reader file(dir / "a.npz");
  const auto records = dnalm::io::read_sequences(dir / "long.fa").records;
  const auto expected =
      dnalm::embed(dnalm::load_model(model), records, {.window = {.tokens = 100, .overlap = 10}});
  const auto written = file.read("mean/layer_2").values<float>();
  REQUIRE(std::equal(written.begin(), written.end(), expected.at(dnalm::pooling::mean, 2).data()));
  REQUIRE(file.read("offsets").values<std::int64_t>().back() ==
          static_cast<std::int64_t>(file.read("token_ids").values<std::int32_t>().size()));
  REQUIRE(run(command + (dir / "c.npz") + " --window max").code == 0);
  REQUIRE(run(command + (dir / "d.npz") + " --window 3000").id() == "dnalm.usage.459");
  REQUIRE(run(command + (dir / "d.npz") + " --window 9 --overlap 8").id() == "dnalm.usage.460");
  REQUIRE(run(command + (dir / "d.npz") + " --overlap 8").id() == "dnalm.usage.460");
  REQUIRE(run(command + (dir / "d.npz") + " --window some").id() == "dnalm.usage.461");
  REQUIRE(run(command + (dir / "d.npz") + " --window 9 --overlap -1").code == 2);
}

TEST_CASE("--no-mmap gives the same bytes", "[programs]") {
  const scratch dir;
  const std::string model = make_model(dir, "tiny");
  const std::string command =
      "dnalm-embed --model " + model + " --input " + make_table(dir, "t.tsv") + " --output ";
  REQUIRE(run(command + (dir / "a.npz")).code == 0);
  REQUIRE(run(command + (dir / "b.npz") + " --no-mmap").code == 0);
  REQUIRE(content(dir / "a.npz") == content(dir / "b.npz"));
}
