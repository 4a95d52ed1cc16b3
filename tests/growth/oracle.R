# Writes the expected thresholds of EARS C1, C2 and C3 by R's surveillance::earsC, one JSON object a line.
# Usage: Rscript tests/growth/oracle.R > tests/growth/oracle.jsonl
suppressMessages({library(surveillance); library(jsonlite)})

emit <- function(name, counts) {
  one <- sts(observed = matrix(counts, ncol = 1), start = c(2001, 1), frequency = 365)
  out <- list(name = unbox(name), counts = counts)
  for (method in c("C1", "C2", "C3")) for (floor in c(0, 1)) {
    first <- 7 + switch(method, C1 = 1, C2 = 3, C3 = 5)
    res <- earsC(one, control = list(method = method, minSigma = floor))
    out[[paste0(tolower(method), "_", floor)]] <- as.numeric(upperbound(res))
    stopifnot(nrow(res) == length(counts) - first + 1)
  }
  cat(toJSON(out, digits = I(17), na = "null"), "\n", sep = "")
}

for (name in c("abattoir", "campyDE", "deleval", "ha.sts", "h1_nrwrp", "k1", "m1", "m2", "m3", "m4", "m5", "n1", "n2", "q1_nrwh",
               "q2", "s1", "s2", "s3", "salmNewport", "salmHospitalized", "rotaBB", "meningo.age", "influMen", "measles.weser")) {
  found <- tryCatch({
    data(list = name, package = "surveillance", envir = environment())
    x <- get(name)
    obs <- if (is(x, "sts")) observed(x) else if (!is.null(x$observed)) x$observed else stop("no counts")
    head(as.numeric(as.matrix(obs)[, 1]), 160)
  }, error = function(e) NULL)
  if (!is.null(found) && !anyNA(found) && length(found) >= 20) emit(name, found)
}

set.seed(20030101)
for (n in 1:200) {
  len <- sample(20:60, 1)
  lambda <- exp(runif(1, log(0.05), log(60)))
  counts <- if (n %% 2) rpois(len, lambda) else rnbinom(len, size = 2, mu = lambda)
  if (n %% 5 == 0) counts[len - (0:2)] <- counts[len - (0:2)] + rpois(3, 4 * lambda + 3)
  emit(sprintf("random %d", n), counts)
}
