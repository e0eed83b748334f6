export interface ParsedSql {
  verb: string
}
