using System.CommandLine;
using AgentLightning.Triage;

namespace AgentLightning.Cli.Commands;

/// <summary>Options that mean the same in every command.</summary>
internal static class CommonOptions
{
    public static Option<bool> Json() => new("--json") { Description = "Print one JSON object instead of tables." };

    public static Option<string> Store() =>
        new("--store")
        {
            Description = "The store: the path of a SQLite file, or the connection string of a PostgreSQL database (Host=…;Database=…).",
            DefaultValueFactory = _ => "lightning.db",
        };

    public static Option<string> AgentId() =>
        new("--agent-id") { Description = "The agent that is meant.", DefaultValueFactory = _ => TriageAgent.DefaultAgentId };

    public static Option<long> Seed() =>
        new("--seed") { Description = "Fixes every random choice; the same seed gives the same figures.", DefaultValueFactory = _ => 1 };

    /// <summary>A mistyped option must not be taken for the argument.</summary>
    public static void RefuseOptions(Argument<string> argument, string hint) =>
        argument.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: ['-', '-', _, ..] option }, ..])
            {
                result.AddError($"Unrecognized option '{option}'. {hint}");
            }
        });
}
