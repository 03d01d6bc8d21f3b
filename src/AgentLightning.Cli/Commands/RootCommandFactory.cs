using System.CommandLine;
using AgentLightning.Cli.Input;

namespace AgentLightning.Cli.Commands;

/// <summary>The command tree of <c>lightning</c>.</summary>
internal static class RootCommandFactory
{
    public static RootCommand Create()
    {
        var root = new RootCommand(
            "Makes AI agents better from feedback: capture, reward, train, prove, release, roll back. 'lightning demo' shows all of it."
        )
        {
            DemoCommand.Create(),
            InitCommand.Create(),
            ServeCommand.Create(),
            HealthCommand.Create(),
            KeysCommand.Create(),
            AuditCommand.Create(),
            TriageCommand.Create(),
            EpisodesCommand.Create(),
            LabelEpisodeCommand.Create(),
            RewardsCommand.Create(),
            FeedbackCommand.Create(),
            StatsCommand.Create(),
            BuildDatasetCommand.Create(),
            BuildGoldenCommand.Create(),
            ListDatasetsCommand.Create(),
            DatasetsCommand.Create(),
            TrainCommand.Create(),
            ListRunsCommand.Create(),
            StatusCommand.Create(),
            CancelCommand.Create(),
            EvaluateCommand.Create(),
            PromoteCommand.Create(),
            ExperimentCommand.Create(),
            RollbackCommand.Create(),
            DeactivateCommand.Create(),
            ListDeploymentsCommand.Create(),
            LineageCommand.Create(),
            DbCommand.Create(),
            DoctorCommand.Create(),
            ModelCommand.Create(),
        };
        InvariantNumbers.Apply(root);
        return root;
    }
}
