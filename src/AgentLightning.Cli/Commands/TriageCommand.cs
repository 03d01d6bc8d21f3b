using System.CommandLine;

namespace AgentLightning.Cli.Commands;

/// <summary><c>lightning triage</c>: the triage policy by itself, on files and single texts.</summary>
internal static class TriageCommand
{
    public static Command Create() =>
        new("triage", "Trains, scores and runs triage policies.")
        {
            TriageTrainCommand.Create(),
            TriageEvalCommand.Create(),
            TriageRunCommand.Create(),
            TriageStressCommand.Create(),
        };
}
