// SPDX-License-Identifier: Apache-2.0
#include <dnalm/io/atomic_file.hpp>
#include <dnalm/io/leftovers.hpp>

#include <unit/io_binary/binary_files.hpp>

using dnalm::io::atomic_file;
using dnalm::io::remove_leftovers;
using dnalm_test::memory_folder;

TEST_CASE("leftovers: only unlocked temporary names of this target go", "[io_binary]") {
  const memory_folder folder;
  const auto target = folder / "x.npz";
  for (const std::string name : {".x.npz.12.0.part", ".x.npz.4194305.17.part"}) folder.write(name, "half");
  const std::vector<std::string> kept = {"x.npz",           ".x.npz.12.part",   ".x.npz.a.0.part",
                                         ".x.npz.12.0.par", ".y.npz.12.0.part", ".x.npz.12.0.part.txt",
                                         ".x.npz..0.part",  "x.npz.12.0.part"};
  for (const std::string& name : kept) folder.write(name, "mine");
  std::filesystem::create_directory(folder / ".x.npz.13.0.part");
  std::filesystem::create_symlink(folder / "x.npz", folder / ".x.npz.14.0.part");
  atomic_file living(target);
  REQUIRE(remove_leftovers(target) == 2);
  REQUIRE(folder.files() == kept.size() + 3);  // the folder, the link, the living one
  living.write("whole");
  living.commit();
  REQUIRE(dnalm_test::content_of(target) == "whole");
  REQUIRE(remove_leftovers(target) == 0);
}

TEST_CASE("leftovers: links are followed, missing folders are no error", "[io_binary]") {
  const memory_folder folder;
  std::filesystem::create_directory(folder / "real");
  folder.write("real/.y.npz.12.0.part", "half");
  std::filesystem::create_symlink("real/y.npz", folder / "x.npz");
  REQUIRE(remove_leftovers(folder / "x.npz") == 1);
  REQUIRE(remove_leftovers(folder / "none/x.npz") == 0);
  REQUIRE(remove_leftovers("") == 0);
}
