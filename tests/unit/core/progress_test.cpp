// SPDX-License-Identifier: Apache-2.0
#include <dnalm/core/parallel.hpp>
#include <dnalm/core/progress.hpp>

#include <array>
#include <limits>

#include <support/catch.hpp>

namespace {

std::string written(std::FILE* file) {
  std::rewind(file);
  std::array<char, 4096> text{};
  const std::size_t length = std::fread(text.data(), 1, text.size(), file);
  return std::string(text.data(), length);
}

}  // namespace

TEST_CASE("progress text says share, count, rate and time left", "[core]") {
  REQUIRE(dnalm::progress_text("embedding", 400, 1000, 4.0) ==
          "embedding [########------------]  40 %  400/1000  100/s  6 s left");
  REQUIRE(dnalm::progress_text("embedding", 0, 10, 0.0) == "embedding [--------------------]   0 %  0/10");
  REQUIRE(dnalm::progress_text("embedding", 10, 10, 2.0) ==
          "embedding [####################] 100 %  10/10  5.0/s");
  REQUIRE(dnalm::progress_text("reading", 30, 0, 2.0) == "reading  30  15/s");
}

TEST_CASE("durations are said in the two largest units", "[core]") {
  REQUIRE(dnalm::duration_text(6.6) == "7 s");
  REQUIRE(dnalm::duration_text(200) == "3 min 20 s");
  REQUIRE(dnalm::duration_text(7500) == "2 h 05 min");
  REQUIRE(dnalm::duration_text(-1) == "?");
  REQUIRE(dnalm::duration_text(std::numeric_limits<double>::infinity()) == "?");
}

TEST_CASE("progress writes nothing unless the stream is a terminal", "[core]") {
  std::FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  {
    dnalm::progress bar("work", 3, dnalm::progress_display::terminal, file);
    bar.advance();
    std::this_thread::sleep_for(std::chrono::milliseconds(120));
    bar.advance();
  }
  {
    dnalm::progress bar("work", 3, dnalm::progress_display::never, file);
    std::this_thread::sleep_for(std::chrono::milliseconds(120));
    bar.advance();
  }
  REQUIRE(written(file).empty());
  std::fclose(file);
}

TEST_CASE("progress is throttled and erases its line at the end", "[core]") {
  std::FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  {
    dnalm::progress bar("work", 1000, dnalm::progress_display::always, file);
    for (int i = 0; i < 500; ++i) bar.advance();  // far within a tenth of a second: nothing yet
    REQUIRE(written(file).empty());
    std::this_thread::sleep_for(std::chrono::milliseconds(120));
    bar.advance();
    REQUIRE(bar.done() == 501);
  }
  const std::string text = written(file);
  REQUIRE(text.rfind("\rwork [", 0) == 0);
  REQUIRE(text.find("501/1000") != std::string::npos);
  REQUIRE(text.find_last_not_of(" \r") < text.size() / 2);  // the second half is blanks
  REQUIRE(text.back() == '\r');
  std::fclose(file);
}

TEST_CASE("progress counts every item of every thread", "[core]") {
  dnalm::progress bar("work", 10000, dnalm::progress_display::never);
  dnalm::parallel_for(10000, 8, [&](dnalm::index_t, int) { bar.advance(); });
  REQUIRE(bar.done() == 10000);
}
