// SPDX-License-Identifier: Apache-2.0
#include <dnalm/probe/vector_store.hpp>

#include <support/catch.hpp>
#include <support/temporary_folder.hpp>

#include <csignal>
#include <filesystem>

#include <sys/resource.h>

#include <dnalm/core/philox.hpp>

using dnalm::index_t;
using dnalm::matrix;
using dnalm::vector_store;
using dnalm_test::error_id_of;

namespace {

matrix<float> random_matrix(std::uint64_t seed, index_t rows, index_t columns) {
  dnalm::philox random(seed);
  matrix<float> values(rows, columns);
  for (index_t r = 0; r < rows; ++r) {
    for (index_t c = 0; c < columns; ++c) values(r, c) = static_cast<float>(random.normal());
  }
  return values;
}

bool equal(dnalm::matrix_view<const float> a, const matrix<float>& b) {
  if (a.rows != b.rows() || a.columns != b.columns()) return false;
  for (index_t r = 0; r < a.rows; ++r) {
    for (index_t c = 0; c < a.columns; ++c) {
      if (a(r, c) != b(r, c)) return false;
    }
  }
  return true;
}

}  // namespace

TEST_CASE("vectors come back bit for bit from memory and from disk", "[probe]") {
  const dnalm_test::temporary_folder folder;
  const auto first = random_matrix(1, 103, 7);
  const auto second = random_matrix(2, 103, 12);
  const auto wide = random_matrix(3, 103, 20);
  for (const index_t memory : {index_t{0}, index_t{1} << 20, index_t{1000}}) {
    vector_store store(103, {7, 12, 5}, {.memory = memory, .directory = folder.path()});
    REQUIRE(store.spilled() == (memory == 1000));
    for (index_t row = 0; row < 103; row += 10) {
      const index_t count = std::min<index_t>(10, 103 - row);
      store.append(1, second.view().row_block(row, count));
      store.append(0, first.view().row_block(row, count));
      store.append(2, wide.view().row_block(row, count).column_block(4, 5));  // rows with a stride
    }
    matrix<float> scratch;
    REQUIRE(equal(store.read(0, scratch), first));
    REQUIRE(equal(store.read(1, scratch), second));
    const auto narrow = store.read(2, scratch);
    REQUIRE(narrow(102, 4) == wide(102, 8));
    REQUIRE(narrow(0, 0) == wide(0, 4));
    vector_store moved = std::move(store);
    REQUIRE(equal(moved.read(0, scratch), first));
    REQUIRE(std::filesystem::is_empty(folder.path()));  // the file has no name
  }
}

TEST_CASE("a vector store refuses rows that do not fit", "[probe]") {
  vector_store store(3, {2});
  const auto rows = random_matrix(1, 2, 2);
  matrix<float> scratch;
  store.append(0, rows.view());
  REQUIRE(error_id_of([&] { (void)store.read(0, scratch); }) == "dnalm.shape.533");
  REQUIRE(error_id_of([&] { store.append(0, rows.view()); }) == "dnalm.shape.533");
  REQUIRE(error_id_of([&] { store.append(1, rows.view()); }) == "dnalm.shape.533");
  REQUIRE(error_id_of([&] { store.append(0, random_matrix(1, 1, 3).view()); }) == "dnalm.shape.533");
  REQUIRE(error_id_of([] { vector_store(3, {0}); }) == "dnalm.shape.533");
  REQUIRE(error_id_of([] { vector_store(index_t{1} << 62, {8}); }) == "dnalm.shape.101");
}

TEST_CASE("a full disk or a missing directory is an error with an id", "[probe]") {
  const dnalm_test::temporary_folder folder;
  REQUIRE(error_id_of([&] {
            vector_store(100, {100}, {.memory = 1, .directory = folder / "no" / "such"});
          }) == "dnalm.io.531");
  vector_store store(2000, {100}, {.memory = 1, .directory = folder.path()});
  const auto rows = random_matrix(1, 2000, 100);
  // a file size limit stands in for a full disk
  struct rlimit before {};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  struct rlimit small = before;
  small.rlim_cur = 100'000;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const auto id = error_id_of([&] { store.append(0, rows.view()); });
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, handler);
  REQUIRE(id == "dnalm.io.531");
}
