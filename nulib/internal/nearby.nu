# What may have been meant by a word that is not known.

# A sentence and a blank that name what of `known` is near `given`; empty if nothing is.
export def near [given: string, known: list<string>]: nothing -> string {
  let begun = $known | where {|it| $it | str starts-with --ignore-case $given } | first 3
  let allowed = [1 (($given | str length) // 4)] | math max
  let found = if ($begun | is-not-empty) { $begun } else {
    $known | each {|it| {name: $it, distance: ($it | str distance $given)} }
    | where distance <= $allowed | sort-by distance | first 3 | get name
  }
  if ($found | is-empty) { "" } else { $"Did you mean ($found | str join ' or ')? " }
}
