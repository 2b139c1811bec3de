// SPDX-License-Identifier: Apache-2.0
// dnalm-convert: what it writes, reports and refuses.
#include <nlohmann/json.hpp>

#include <dnalm/io/checkpoint.hpp>
#include <dnalm/io/json.hpp>
#include <dnalm/io/safetensors.hpp>

#include "workbench.hpp"

#include <support/catch.hpp>

using namespace workbench;

namespace {

const std::string golden = DNALM_GOLDEN_DIR;

/// Whether two files of weights hold the same names, types, shapes and bytes.
void check_same(const std::string& found_path, const std::string& expected_path) {
  INFO(found_path << " and " << expected_path);
  const dnalm::io::safetensors_file found(found_path);
  const dnalm::io::safetensors_file expected(expected_path);
  REQUIRE(found.tensors().size() == expected.tensors().size());
  for (const auto& info : expected.tensors()) {
    INFO(info.name);
    REQUIRE(found.contains(info.name));
    const auto& tensor = found.tensor(info.name);
    const auto& wanted = expected.tensor(info.name);
    REQUIRE(tensor.info.type == info.type);
    REQUIRE(tensor.info.shape == info.shape);
    REQUIRE(std::equal(tensor.bytes.begin(), tensor.bytes.end(), wanted.bytes.begin(), wanted.bytes.end()));
  }
}

nlohmann::json report_of(const outcome& result) {
  return dnalm::io::parse_json(result.out, "report");
}

}  // namespace

TEST_CASE("dnalm-convert writes what the files hold, the same bytes each time", "[programs]") {
  const scratch dir;
  for (const std::string stem : {"dtypes", "parameter", "state_dict", "list", "objects", "views", "tied"}) {
    INFO(stem);
    const auto result = run("dnalm-convert " + golden + "/torch/" + stem + ".pt " + (dir / "x.safetensors"));
    REQUIRE(result.err.empty());
    REQUIRE(result.code == 0);
    if (stem == "objects") {  // the state dictionary alone: model.weight is weight
      REQUIRE(dnalm::io::safetensors_file(dir / "x.safetensors").contains("weight"));
    } else {
      check_same(dir / "x.safetensors", golden + "/torch/" + stem + ".safetensors");
    }
    const std::string first = content(dir / "x.safetensors");
    REQUIRE(
        run("dnalm-convert --no-mmap " + golden + "/torch/" + stem + ".pt " + (dir / "x.safetensors")).code ==
        0);
    REQUIRE(content(dir / "x.safetensors") == first);
  }
  REQUIRE(run("dnalm-convert " + golden + "/npy/stored.npz " + (dir / "a.safetensors")).code == 0);
  REQUIRE(run("dnalm-convert " + golden + "/npy/compressed.npz " + (dir / "b.safetensors")).code == 0);
  const dnalm::io::safetensors_file a(dir / "a.safetensors");
  const dnalm::io::safetensors_file expected(golden + "/npy/expected.safetensors");
  REQUIRE(a.read("f4_fortran") == expected.read("f4_fortran"));
  REQUIRE(a.read("f4_fortran") == dnalm::io::safetensors_file(dir / "b.safetensors").read("f4_fortran"));
  REQUIRE(a.metadata().at("format") == "np");
}

TEST_CASE("dnalm-convert joins shards and strips prefixes", "[programs]") {
  const scratch dir;
  const std::string folder = golden + "/models/nt_v1_d40_shards";
  REQUIRE(run("dnalm-convert " + folder + " " + (dir / "x.safetensors")).code == 0);
  const auto shards = dnalm::io::checkpoint::open(folder);
  const dnalm::io::safetensors_file whole(dir / "x.safetensors");
  REQUIRE(whole.tensors().size() == shards.tensors().size());
  for (const auto& info : shards.tensors()) REQUIRE(whole.read(info.name) == shards.read(info.name));
  REQUIRE(whole.metadata().at("format") == "pt");
  const std::string ckpt = golden + "/torch/lightning.ckpt";
  REQUIRE(run("dnalm-convert " + ckpt + " " + (dir / "k.safetensors")).code == 0);
  check_same(dir / "k.safetensors", golden + "/torch/lightning.safetensors");
  REQUIRE(run("dnalm-convert " + ckpt + " " + (dir / "s.safetensors") + " --strip-prefix model.").code == 0);
  REQUIRE(dnalm::io::safetensors_file(dir / "s.safetensors").contains("0.weight"));
  // Names without the prefix stay; two that become one are an error.
  const float one = 1;
  dnalm::io::write_safetensors(dir / "two.safetensors", {dnalm::io::make_tensor("w", {&one, 1}, {1}),
                                                         dnalm::io::make_tensor("m.w", {&one, 1}, {1})});
  const auto clash = run("dnalm-convert " + (dir / "two.safetensors") + " " + (dir / "o.safetensors") +
                         " --strip-prefix m.");
  REQUIRE(clash.id() == "dnalm.usage.711");
  REQUIRE(clash.code == 2);
}

TEST_CASE("dnalm-convert rounds floats on request and keeps integers", "[programs]") {
  const scratch dir;
  for (const auto& [type, expected] :
       {std::pair{"f32", dnalm::dtype::f32}, {"bf16", dnalm::dtype::bf16}, {"f16", dnalm::dtype::f16}}) {
    const auto result =
        run("dnalm-convert " + golden + "/torch/dtypes.pt " + (dir / "x.safetensors") + " --dtype " + type);
    REQUIRE(result.code == 0);
    const dnalm::io::safetensors_file file(dir / "x.safetensors");
    for (const char* name : {"f64", "f32", "f16", "bf16"}) REQUIRE(file.tensor(name).info.type == expected);
    REQUIRE(file.tensor("i64").info.type == dnalm::dtype::i64);
    REQUIRE(file.tensor("bool").info.type == dnalm::dtype::boolean);
  }
  const float large = 1e6F;
  dnalm::io::write_safetensors(dir / "l.safetensors", {dnalm::io::make_tensor("w", {&large, 1}, {1})});
  const auto entries = dir.entries();
  const auto result =
      run("dnalm-convert " + (dir / "l.safetensors") + " " + (dir / "o.safetensors") + " --dtype f16");
  REQUIRE(result.id() == "dnalm.numeric.262");
  REQUIRE(result.code == 3);
  REQUIRE(dir.entries() == entries);  // nothing half-written
}

TEST_CASE("dnalm-convert reports names, shapes, layouts, ties and what it leaves out", "[programs]") {
  const auto views = report_of(run("dnalm-convert --json " + golden + "/torch/views.pt"));
  REQUIRE(views["format"] == "PyTorch");
  REQUIRE(views["output"].is_null());
  std::map<std::string, std::string> layouts;
  for (const auto& tensor : views["tensors"]) layouts[tensor["name"]] = tensor["layout"];
  REQUIRE(layouts["base"] == "row-major");
  REQUIRE(layouts["transposed"] == "column-major");
  REQUIRE(layouts["columns_1_3"] == "strided");
  const auto tied = report_of(run("dnalm-convert --json " + golden + "/torch/tied.pt"));
  REQUIRE(tied["tied"] == nlohmann::json::parse(R"([["embedding", "decoder"]])"));
  REQUIRE(tied["parameters"] == 24);  // 4 x 5 once, and 4
  REQUIRE(tied["bytes"] == 176);
  const auto text = run("dnalm-convert " + golden + "/torch/tied.pt");
  REQUIRE(text.out.find("embedding  F32          4 x 5") != std::string::npos);
  REQUIRE(text.out.find("tied: embedding = decoder") != std::string::npos);
  REQUIRE(text.out.find("Nothing was written.") != std::string::npos);
  const auto help = run("dnalm-convert --help");
  REQUIRE(help.code == 0);
  REQUIRE(help.out.find("--strip-prefix") != std::string::npos);
  REQUIRE(help.out.find("lightning.ckpt") != std::string::npos);
}

TEST_CASE("dnalm-convert never overwrites its input, nor writes half a file", "[programs]") {
  const scratch dir;
  const float one = 1;
  dnalm::io::write_safetensors(dir / "in.safetensors", {dnalm::io::make_tensor("w", {&one, 1}, {1})});
  const std::string before = content(dir / "in.safetensors");
  fs::create_symlink(dir / "in.safetensors", dir / "link.safetensors");
  for (const char* out : {"in.safetensors", "link.safetensors", "./in.safetensors"}) {
    const auto result = run("dnalm-convert " + (dir / "in.safetensors") + " " + (dir / out));
    REQUIRE(result.id() == "dnalm.usage.709");
    REQUIRE(result.code == 2);
  }
  REQUIRE(content(dir / "in.safetensors") == before);
  REQUIRE(run("dnalm-convert " + (dir / "in.safetensors") + " " + (dir / "out.bin")).id() ==
          "dnalm.usage.710");
  REQUIRE(run("dnalm-convert " + (dir / "in.safetensors") + " " + (dir / "no/x.safetensors")).id() ==
          "dnalm.io.222");
  REQUIRE(run("dnalm-convert " + (dir / "none") + " " + (dir / "x.safetensors")).id() == "dnalm.io.280");
  REQUIRE(run("dnalm-convert " + (dir / "in.safetensors") + " x.safetensors --dtype f8").id() ==
          "dnalm.usage.702");
  REQUIRE(run("dnalm-convert").id() == "dnalm.usage.702");
  // A damaged storage is found while writing: the target stays as it was.
  std::string bytes = content(golden + "/torch/state_dict.pt");
  const std::size_t at = bytes.find("data/0FB");
  REQUIRE(at != std::string::npos);
  for (std::size_t i = at + 64; i < at + 120; ++i) bytes[i] = static_cast<char>(bytes[i] ^ 1);
  write(dir / "bad.pt", bytes);
  write(dir / "target.safetensors", "old");
  const auto entries = dir.entries();
  const auto damaged = run("dnalm-convert " + (dir / "bad.pt") + " " + (dir / "target.safetensors"));
  REQUIRE(damaged.id() == "dnalm.format.237");
  REQUIRE(damaged.code == 3);
  REQUIRE(content(dir / "target.safetensors") == "old");
  REQUIRE(dir.entries() == entries);
}

TEST_CASE("dnalm-convert reads Keras files where HDF5 is built in, and says so where it is not",
          "[programs]") {
  const scratch dir;
  const auto result = run("dnalm-convert " + golden + "/keras/model.h5 " + (dir / "x.safetensors"));
  if (result.code == 4) {
    REQUIRE(result.id() == "dnalm.unsupported.712");
    WARN("skipped: this build has no HDF5 library");
    return;
  }
  REQUIRE(result.err.empty());
  REQUIRE(result.code == 0);
  check_same(dir / "x.safetensors", golden + "/keras/model.safetensors");
  const auto metadata = dnalm::io::safetensors_file(dir / "x.safetensors").metadata();
  REQUIRE(metadata.at("format") == "keras");
  REQUIRE(metadata.at("model_config") ==
          R"({"class_name": "Functional", "config": {"name": "toy", "layers": []}})");
  REQUIRE(run("dnalm-convert " + golden + "/keras/kinds.h5 " + (dir / "k.safetensors")).code == 0);
  check_same(dir / "k.safetensors", golden + "/keras/kinds.safetensors");
  const auto refused = run("dnalm-convert " + golden + "/keras/refused_external_link.h5");
  REQUIRE(refused.id() == "dnalm.unsupported.294");
  REQUIRE(refused.code == 4);
}

TEST_CASE("dnalm-tokenize takes a 2bit file as input", "[programs]") {
  const auto two_bit = run("dnalm-tokenize --tokenizer " + golden + "/tokenizers/nt_v2/vocab.txt --input " +
                           golden + "/two_bit/big.2bit");
  REQUIRE(two_bit.err.empty());
  REQUIRE(two_bit.code == 0);
  const scratch dir;
  std::istringstream lines(content(golden + "/two_bit/sequences.tsv"));
  std::string fasta;
  for (std::string name, letters; lines >> name >> letters;) fasta += ">" + name + "\n" + letters + "\n";
  write(dir / "x.fa", fasta);
  REQUIRE(
      run("dnalm-tokenize --tokenizer " + golden + "/tokenizers/nt_v2/vocab.txt --input " + (dir / "x.fa"))
          .out == two_bit.out);
}
