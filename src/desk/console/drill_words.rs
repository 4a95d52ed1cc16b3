//! What only the pages of drills say, in both languages.

use super::words::messages;

messages! {
    /// A message about drills.
    DrillMsg
    Banner "EXERCISE: nothing on this page happened" "演练：本页内容均非真实事件"
    NotReady "No drill can be started here: a drill key (drills.key_file) and a folder for runs (drills.runs) are needed. Scenarios can be checked." "此处无法开始演练：需要演练密钥（drills.key_file）和运行目录（drills.runs）。可以检查场景。"
    Scenarios "Scenarios" "场景"
    Scenario "Scenario" "场景"
    Unreadable "cannot be read: check it" "无法读取，请检查"
    Speed "Speed" "倍速"
    SpeedHint "The script runs so many times faster than written. People and machines do not: their targets stay as they are." "脚本按此倍速运行；人员与系统的时限目标不变。"
    Seed "Seed of the wording" "措辞随机种子"
    Exercise "Exercise id" "演练编号"
    Check "Check and rehearse" "检查并预演"
    Start "Start the drill" "开始演练"
    Stop "Stop, and withdraw everything" "中止并撤回全部报告"
    Stopping "It stops, and withdraws what it sent." "正在中止并撤回已发送的报告。"
    Runs "Runs" "运行记录"
    NoRuns "No run yet." "尚无运行记录。"
    Began "Began" "开始时间"
    Standing "State" "状态"
    Running "running" "进行中"
    Over "ended" "已结束"
    Withdrawn "stopped, withdrawn" "已中止并撤回"
    Abandoned "abandoned: what it sent is still there" "已中断：所发报告尚未撤回"
    Elsewhere "Another process runs it; this page shows its report once it is over." "由其他进程运行，结束后此页显示报告。"
    Progress "Progress" "进度"
    Sent "sent" "已发送"
    Detections "detections" "检出"
    Alerts "alerts" "告警"
    Incidents "Incidents of exercises" "演练事件"
    Report "Report of the drill" "演练报告"
    Checked "Rehearsal, in memory" "内存预演"
    Passes "It can be run, and passes its own expectations. Nothing was sent." "可以运行，且达到自身预期。未发送任何报告。"
    Fails "It does not pass its own expectations, or cannot be run. Nothing was sent." "未达到自身预期，或无法运行。未发送任何报告。"
    Line "line {}:" "第 {} 行："
    WouldSend "Would send" "将发送"
    Records "The first records" "前若干条记录"
    Rehearsed "Report of the rehearsal (departments take no part)" "预演报告（不含部门响应）"
    NoScenario "There is no such scenario." "没有该场景。"
    BadScenario "The scenario cannot be used here:" "该场景在此无法使用："
    BadExercise "An exercise id is 1–64 characters of A–Z a–z 0–9 . _ -" "演练编号为 1–64 个字符：A–Z a–z 0–9 . _ -"
    Reserved "No run can be called “{}”: that is an address of its own. Give it another exercise id." "演练编号不能为“{}”：该地址另有用途，请换一个编号。"
    BadSpeed "The speed is a number from 1 to 100000, the seed a whole number." "倍速为 1 到 100000 的数，种子为整数。"
    NewScenario "New scenario" "新建场景"
    NewId "Id: a–z, 0–9, - and _" "编号：a–z、0–9、- 和 _"
    StartFrom "Start from" "起始内容"
    Template "a template with every key explained" "逐项说明的模板"
    WriteIt "Write it" "编写"
    DraftHint "Change it, check it, keep it: then it can be chosen for a drill." "修改、检查并保存后，即可用于演练。"
    DraftText "The scenario (YAML)" "场景内容（YAML）"
    Findings "What is to be said about it" "检查结果"
    Keep "Keep it" "保存"
    Download "Download it" "下载"
    Kept "The scenario {} is kept, and can be started." "场景 {} 已保存，可以开始演练。"
    HasErrors "It has errors, and is not kept:" "存在错误，未保存："
    BadId "A scenario's id is 1–40 characters of a–z, 0–9, - and _" "场景编号为 1–40 个字符：a–z、0–9、- 和 _"
    OtherId "The id in the text is {}." "文本中的编号为 {}。"
    Taken "There is a scenario {} already: give this one another id." "已有编号为 {} 的场景，请改用其他编号。"
    Full "There are {} scenarios already: remove some files of the folder." "场景已达 {} 个，请先删除目录中的部分文件。"
    TooLong "A scenario that is written here has at most {} bytes." "在此编写的场景最多 {} 字节。"
    NotKept "The folder of scenarios cannot be written: its operator finds why in the log." "场景目录无法写入，原因见日志，请联系运维人员。"
    Busy "The drill {} is running: one at a time." "演练 {} 正在进行，一次只能进行一个。"
    Again "There is a run {} already: an exercise id is used once." "已有编号为 {} 的运行，演练编号只能使用一次。"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::console::words::tests::check;

    #[test]
    fn every_message_is_there_in_both_languages() {
        check(DrillMsg::ALL);
    }
}
