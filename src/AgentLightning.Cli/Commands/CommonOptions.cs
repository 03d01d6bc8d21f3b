using System.CommandLine;
using AgentLightning.Common;
using AgentLightning.Deployments;
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

    /// <summary>The slot that is meant, by the name that people know it by.</summary>
    public static Option<string> Slot() =>
        new("--deployment-name")
        {
            Description = "The slot that is meant: an agent may serve several.",
            DefaultValueFactory = _ => Deployment.DefaultSlot,
        };

    public static Option<long> Seed() =>
        new("--seed") { Description = "Fixes every random choice; the same seed gives the same figures.", DefaultValueFactory = _ => 1 };

    /// <summary>Where a period begins. UTC where no zone is given.</summary>
    public static Option<DateTimeOffset?> Start(string description) => Time("--start", description, IsoTime.Start);

    /// <summary>Where a period ends: of a day, at its last moment. UTC where no zone is given.</summary>
    public static Option<DateTimeOffset?> End(string description) => Time("--end", description, IsoTime.End);

    private static Option<DateTimeOffset?> Time(string name, string description, Func<string, string, DateTimeOffset?> read) =>
        new(name)
        {
            Description = description,
            CustomParser = result =>
            {
                try
                {
                    return read(result.Tokens[0].Value, name);
                }
                catch (LightningException e)
                {
                    result.AddError(e.Message);
                    return null;
                }
            },
        };

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
