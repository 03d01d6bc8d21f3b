using AgentLightning.Cli.Commands;
using AgentLightning.Cli.Output;

return await CommandRunner.RunAsync(RootCommandFactory.Create(), args);
