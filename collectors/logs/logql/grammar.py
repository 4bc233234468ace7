"""The grammar of LogQL, for an LALR parser. Its tokens come from collectors.logs.logql.lexer."""

GRAMMAR = r"""
start: log_expr | metric

?log_expr: log_query
         | _LPAR log_expr _RPAR            -> enclosed
log_query: selector stage*
selector: _LBRACE [matcher (_COMMA matcher)*] _RBRACE
matcher: IDENTIFIER match_op STRING
!match_op: EQ | NEQ | RE | NRE

?stage: line_filter
      | _PIPE _JSON [extractions]          -> json
      | _PIPE _LOGFMT FLAG* [extractions]  -> logfmt
      | _PIPE _REGEXP STRING               -> regexp
      | _PIPE _PATTERN STRING              -> pattern
      | _PIPE label_filter                -> filter
      | _PIPE _LINE_FORMAT STRING          -> line_format
      | _PIPE _LABEL_FORMAT assignment (_COMMA assignment)* -> label_format
      | _PIPE _DROP named (_COMMA named)*   -> drop
      | _PIPE _KEEP named (_COMMA named)*   -> keep
      | _PIPE _DECOLORIZE                  -> decolorize
line_filter: line_op STRING (OR STRING)*
!line_op: PIPE_EXACT | PIPE_MATCH | NEQ | NRE
extractions: extraction (_COMMA extraction)*
extraction: IDENTIFIER [EQ STRING]
assignment: IDENTIFIER EQ (IDENTIFIER | STRING)
named: IDENTIFIER | matcher

label_filter: condition (filter_join? condition)*
!filter_join: AND | OR | _COMMA
?condition: matcher
          | IDENTIFIER compare_op number     -> number_filter
          | IDENTIFIER compare_op DURATION   -> duration_filter
          | IDENTIFIER compare_op BYTES      -> bytes_filter
          | _LPAR label_filter _RPAR           -> enclosed
!compare_op: GT | GTE | LT | LTE | NEQ | EQ | CMP_EQ

?metric: or_operation
?or_operation: and_operation
             | or_operation or_op modifier and_operation           -> operation
?and_operation: comparison
              | and_operation and_op modifier comparison           -> operation
?comparison: addition
           | comparison comparison_op modifier addition            -> operation
?addition: multiplication
         | addition add_op modifier multiplication                 -> operation
?multiplication: power
               | multiplication mul_op modifier power              -> operation
?power: operand
      | operand pow_op modifier power                              -> operation
!or_op: OR
!and_op: AND | UNLESS
!comparison_op: CMP_EQ | NEQ | GT | GTE | LT | LTE
!add_op: ADD | SUB
!mul_op: MUL | DIV | MOD
!pow_op: POW
modifier: [BOOL] [matching]
matching: match_word labels [group_word [labels]]
!match_word: ON | IGNORING
!group_word: GROUP_LEFT | GROUP_RIGHT
labels: _LPAR [IDENTIFIER (_COMMA IDENTIFIER)*] _RPAR

?operand: number                                                   -> scalar
        | _VECTOR _LPAR number _RPAR                                  -> vector
        | _LPAR metric _RPAR                                         -> enclosed
        | RANGE_OP _LPAR [number _COMMA] log_range _RPAR [grouping]   -> range_aggregation
        | VECTOR_OP _LPAR [number _COMMA] metric _RPAR [grouping]     -> vector_aggregation
        | VECTOR_OP grouping _LPAR [number _COMMA] metric _RPAR       -> grouped_aggregation
        | LABEL_REPLACE _LPAR metric _COMMA STRING _COMMA STRING _COMMA STRING _COMMA STRING _RPAR -> label_replace
grouping: (BY | WITHOUT) labels
!number: [ADD | SUB] NUMBER

?log_range: selector stage* [unwrap] RANGE [offset]                -> range_behind
          | selector RANGE [offset] ranged_stage+                  -> range_before
          | _LPAR selector stage* [unwrap] _RPAR RANGE [offset]      -> range_outside
          | _LPAR log_range _RPAR                                    -> enclosed
ranged_stage: stage | unwrap
offset: _OFFSET DURATION
unwrap: _PIPE _UNWRAP (IDENTIFIER | CONVERSION _LPAR IDENTIFIER _RPAR) unwrap_filter*
unwrap_filter: _PIPE label_filter

%declare _LBRACE _RBRACE _LPAR _RPAR _COMMA EQ NEQ RE NRE PIPE_EXACT PIPE_MATCH _PIPE CMP_EQ GTE GT LTE LT
%declare ADD SUB MUL DIV MOD POW STRING RANGE NUMBER DURATION BYTES FLAG IDENTIFIER REFUSED
%declare RANGE_OP VECTOR_OP CONVERSION _VECTOR LABEL_REPLACE BY WITHOUT BOOL ON IGNORING GROUP_LEFT GROUP_RIGHT
%declare _OFFSET AND OR UNLESS _JSON _LOGFMT _REGEXP _PATTERN _LINE_FORMAT _LABEL_FORMAT _DECOLORIZE _DROP _KEEP _UNWRAP
"""
